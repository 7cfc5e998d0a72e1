using System.Diagnostics;
using PageShare.Platform;

namespace PageShare.CrashProbe.Scenarios;

/// <summary>Children made while guests share and are written.</summary>
internal static unsafe class ChildProcesses
{
    /// <summary>By Process.Start.</summary>
    public static int ProcessStart(ProbeArguments arguments)
    {
        using var busy = BusyGuests.Start(arguments.Engine)?.KeepWorking();
        var count = arguments.Number("count", 20);
        for (var i = 0; i < count; i++)
        {
            var start = HostPlatform.IsLinux
                ? new ProcessStartInfo("/bin/sh", ["-c", $"echo child {i}"])
                : new ProcessStartInfo("cmd.exe", $"/c echo child {i}");
            start.RedirectStandardOutput = true;
            using var child = Process.Start(start)!;
            var said = child.StandardOutput.ReadToEnd().Trim();
            child.WaitForExit();
            ProbeFailedException.ThrowIf(
                child.ExitCode != 0 || said != $"child {i}",
                $"Child {i} ended with {child.ExitCode} and said '{said}'.");
        }

        busy?.Stop();
        busy?.Check();
        Console.WriteLine($"started {count}");
        return ProbeExit.Done;
    }

    /// <summary>
    /// By fork without exec, as native libraries do: the child must have none of the guests' mappings.
    /// </summary>
    public static int NativeFork(ProbeArguments arguments)
    {
        Foreign.Load(arguments);
        using var busy = BusyGuests.Start(arguments.RequiredEngine)!.KeepWorking();
        ulong[] ranges = [.. busy.Guests.SelectMany(static guest =>
            new[] { (ulong)guest.Pointer, (ulong)guest.Pointer + (ulong)guest.Length })];
        var count = arguments.Number("count", 200);
        for (var i = 0; i < count; i++)
        {
            fixed (ulong* first = ranges)
            {
                var result = Foreign.ForkAndLook(first, ranges.Length / 2);
                ProbeFailedException.ThrowIf(result != 0, result > 0
                    ? $"Child {i} of {count} has pages of a guest mapped."
                    : $"Child {i} of {count}: error or signal {-result}.");
            }
        }

        busy.Stop();
        busy.Check();
        Console.WriteLine($"forked {count}");
        return ProbeExit.Done;
    }
}

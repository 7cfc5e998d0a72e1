using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using PageShare.Platform;

namespace PageShare.TestKit;

/// <summary>
/// Runs a scenario of PageShare.CrashProbe in a process of its own, which may crash, and tells how it ended.
/// </summary>
public static class ProbeProcess
{
    /// <summary>Exit code of a process that ended by SIGABRT, as the runtime ends itself on Linux.</summary>
    public const int Aborted = 128 + 6;

    /// <summary>Exit code of a process that SIGKILL ended.</summary>
    public const int Killed = 128 + 9;

    /// <summary>Exit code of a process that SIGSEGV ended.</summary>
    public const int SegmentationFault = 128 + 11;

    // Only so that a child that hangs fails a test, and not the whole run.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    /// <summary>Runs a scenario to its end.</summary>
    /// <param name="scenario">Its name.</param>
    /// <param name="engine">Fault mode of its guests; null for none, and no engine.</param>
    /// <param name="arguments">More arguments, "--name" and value in turn.</param>
    public static ProbeResult Run(string scenario, FaultMode? engine, params string[] arguments) =>
        Run(new ProbeCommand([scenario, "--engine", engine?.ToString() ?? "none", .. arguments]));

    /// <summary>Runs a command to its end; fails if that does not come.</summary>
    public static ProbeResult Run(ProbeCommand command)
    {
        var start = command.ToStart(ProbeCommandLine(command));
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        var deadline = Patience + command.MorePatience;
        if (!process.WaitForExit(deadline))
        {
            var threads = ThreadsOf(process.Id);
            process.Kill(entireProcessTree: true);
            Assert.Fail(
                $"{command} did not end within {deadline}. Its threads:\n{threads}\n{output.Result}\n{error.Result}");
        }

        return new ProbeResult(command.ToString(), process.ExitCode, WithLines(output), WithLines(error));
    }

    /// <summary>Starts a command that is told what to do line by line; for the caller to end.</summary>
    internal static Process StartTalking(ProbeCommand command) =>
        Process.Start(command.ToStart(ProbeCommandLine(command)))!;

    // What is published for Windows carries its runtime. Else it is the one that runs this test, since there may be no
    // other: folder/shared/NAME/VERSION/.
    private static string[] ProbeCommandLine(ProbeCommand command) => HostPlatform.IsLinux
        ?
        [
            Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "../../../dotnet")),
            "exec",
            Path.Combine(command.Folder ?? AppContext.BaseDirectory, "PageShare.CrashProbe.dll"),
        ]
        : [Path.Combine(command.Folder ?? AppContext.BaseDirectory, "PageShare.CrashProbe.exe")];

    private static string WithLines(Task<string> text) => text.Result.Replace("\r\n", "\n", StringComparison.Ordinal);

    /// <summary>What each thread waits for, by the kernel: a hang is hard to come by a second time.</summary>
    private static string ThreadsOf(int process)
    {
        if (!HostPlatform.IsLinux)
        {
            return "(not to be seen from outside)";
        }

        var text = new StringBuilder();
        foreach (var thread in Directory.GetDirectories($"/proc/{process}/task"))
        {
            try
            {
                var name = File.ReadAllText(Path.Combine(thread, "comm")).Trim();
                var call = File.ReadAllText(Path.Combine(thread, "syscall")).Trim();
                text.AppendLine($"{Path.GetFileName(thread)} {name}: system call {call}");
            }
            catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
            {
                text.AppendLine($"{Path.GetFileName(thread)}: {gone.Message}");
            }
        }

        return text.ToString();
    }
}

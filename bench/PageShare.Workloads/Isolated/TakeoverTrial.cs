using System.Diagnostics;
using System.Globalization;
using PageShare.Bench.Memory;
using PageShare.Cli;
using PageShare.Host;
using PageShare.Memory;
using PageShare.Protocol.Messages;

namespace PageShare.Workloads.Isolated;

/// <summary>Kills a host that shares guests, and times how the next one takes them over.</summary>
/// <param name="mix">What the guests hold.</param>
/// <param name="mode">Their fault mode.</param>
/// <param name="progress">Hears where it is.</param>
internal sealed class TakeoverTrial(GuestMix mix, FaultMode mode, Action<string> progress)
{
    // Some pages have the hash of others and are tried less often.
    private const double SharedEnough = 0.999;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pageshare-takeover-");
    private readonly List<ChildProgram> _guests = [];

    private string Socket => Path.Combine(_folder.FullName, "host.sock");

    /// <summary>Runs it.</summary>
    /// <param name="stop">Ends it.</param>
    /// <param name="fault">What was wrong in a guest's memory; null if nothing was.</param>
    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    /// <exception cref="CommandException">Sharing or taking over does not come to an end.</exception>
    public TakeoverFigures Run(CancellationToken stop, out string? fault)
    {
        try
        {
            using var former = ChildProgram.Start(HostProgram.Verb, Socket);
            Fill();
            progress("sharing");
            var sharing = Await(
                "the guests share", static status => status.Engine.Totals.PagesSharing,
                pages => pages >= mix.BestSavedPages * SharedEnough, stop);
            progress("killing the host");
            var began = Stopwatch.GetTimestamp();
            former.Kill();
            using var next = ChildProgram.Start(HostProgram.Verb, Socket);
            var figures = Follow(began, sharing, stop);
            progress("checking every byte");
            fault = Check();
            return figures;
        }
        finally
        {
            _guests.ForEach(static guest => guest.Dispose());
            _folder.Delete(recursive: true);
        }
    }

    private void Fill()
    {
        progress($"filling {mix.Guests} guests");
        for (var i = 0; i < mix.Guests; i++)
        {
            _guests.Add(ChildProgram.Start(
                GuestProgram.Verb, Socket, $"guest-{i}", Text((long)mix.PagesPerGuest * PageSize.Bytes),
                mode.ToString()));
        }

        for (var i = 0; i < mix.Guests; i++)
        {
            _guests[i].Say(
                $"mix {i} {mix.Guests} {Text(mix.PagesPerGuest)} {mix.RunPages} {Text((long)mix.Seed)}");
        }

        _guests.ForEach(static guest => guest.Hear("mix"));
    }

    private TakeoverFigures Follow(long began, long sharing, CancellationToken stop)
    {
        double Since() => Stopwatch.GetElapsedTime(began).TotalSeconds;

        Await("the host answers", static _ => true, static isThere => isThere, stop);
        var answered = Since();
        Await("the host has all guests", static status => status.Processes, HasAll, stop);
        var attached = Since();
        progress("moving");
        Await(
            "no page shows an old frame", static status => status.Processes,
            processes => HasAll(processes) && processes.All(static one => one.PagesToMove == 0), stop);
        var moved = Since();
        Await("the old store is gone", static status => status, _ => _guests.All(HasOneStore), stop);
        var freed = Since();
        using var client = StatusClient.Connect(Socket);
        return new TakeoverFigures(
            mix.Guests, mix.TotalBytes, sharing, answered, attached, moved, freed,
            client.GetStatus().Engine.Totals.ScanCpuSeconds);
    }

    private bool HasAll(IReadOnlyList<GuestProcess> processes) =>
        processes.Count == mix.Guests && processes.All(static one => one.State is "attached" or "moving" or "late");

    /// <summary>By the kernel's word: the guest's process maps no other store, and has none open.</summary>
    private static bool HasOneStore(ChildProgram guest)
    {
        var folder = string.Create(CultureInfo.InvariantCulture, $"/proc/{guest.Id}");
        var mapped = File.ReadLines(Path.Combine(folder, "maps"))
            .Where(static line => line.Contains("pageshare-store:", StringComparison.Ordinal))
            .Select(static line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[4])
            .Distinct();
        var open = Directory.GetFiles(Path.Combine(folder, "fd"))
            .Count(static file => new FileInfo(file).LinkTarget is { } target
                && target.Contains("pageshare-store:", StringComparison.Ordinal));
        return mapped.Count() == 1 && open == 1;
    }

    private string? Check()
    {
        _guests.ForEach(static guest => guest.Say("check"));
        var wrong = _guests.Select(static guest => guest.Hear("check")).ToList();
        return wrong.TrueForAll(static count => count == "0")
            ? null
            : $"Pages that do not hold what was written to them, guest by guest: {string.Join(", ", wrong)}.";
    }

    /// <summary>Asks the host of the moment until what it says will do.</summary>
    private T Await<T>(string what, Func<StatusAnswer, T> read, Func<T, bool> willDo, CancellationToken stop)
    {
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < Patience; stop.WaitHandle.WaitOne(Pause))
        {
            stop.ThrowIfCancellationRequested();
            using var client = StatusClient.Connect(Socket);
            if (read(client.GetStatus()) is var found && willDo(found))
            {
                return found;
            }
        }

        throw CommandException.Failed($"in {Patience.TotalMinutes} minutes it did not come true that {what}.");
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}

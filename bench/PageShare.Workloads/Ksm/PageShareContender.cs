using System.Diagnostics;
using PageShare.Cli.Run;
using PageShare.Memory;
using PageShare.Workloads.Cow;
using PageShare.Workloads.Guests;
using PageShare.Workloads.Traces;

namespace PageShare.Workloads.Ksm;

/// <summary>PageShare, flat out, in one fault mode, with so many scanner threads.</summary>
internal sealed unsafe class PageShareContender(FaultMode mode, int threads)
{
    private const int CurvePoints = 200;

    // A snapshot keeps the scanner waiting, so that much of the time at most is spent on them.
    private const int SnapshotShare = 20;
    private const int LeastPollMilliseconds = 10;

    /// <summary>All that it is offered with: both fault modes, and several threads in the usual one.</summary>
    public static IReadOnlyList<PageShareContender> All { get; } =
    [
        new(FaultMode.Signal, threads: 1), new(FaultMode.Signal, threads: 2), new(FaultMode.Kernel, threads: 1),
    ];

    /// <summary>What reports call it.</summary>
    public string Name => $"PageShare, {mode} mode{(threads > 1 ? $", {threads} threads" : "")}";

    /// <summary>Lets it work on memory, until nothing more merges or the time is up.</summary>
    /// <param name="contents">The memory.</param>
    /// <param name="options">The limits.</param>
    /// <param name="different">What does not hold what was loaded; null if all does.</param>
    /// <param name="stop">Ends it.</param>
    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    public ContenderFigures Run(Contents contents, KsmOptions options, out string? different, CancellationToken stop)
    {
        var optimum = contents.Count();
        using var host = GuestHosts.Start(
            new EngineOptions { BackgroundScanning = false, FaultMode = mode, ScannerThreads = threads });
        var guests = new LoadedGuests(host, contents, mode, stop);
        using var late = CancellationTokenSource.CreateLinkedTokenSource(stop);
        late.CancelAfter(options.Limit);
        var passes = Scan(host, optimum.Pages, late.Token, out var curve);
        stop.ThrowIfCancellationRequested();
        var totals = host.Snapshot().Totals;
        different = guests.FindDifference(stop);
        return new ContenderFigures
        {
            Name = Name,
            FaultMode = mode,
            Threads = threads,
            Contents = contents.Name,
            Pages = optimum.Pages,
            OptimumPages = optimum.SavedPages,
            SavedPages = optimum.Pages - (totals.ResidentBytes / PageSize.Bytes),
            At95 = curve.Reaching(ContenderFigures.First * optimum.SavedPages),
            At99 = curve.Reaching(ContenderFigures.Second * optimum.SavedPages),
            FirstPassPagesPerCpuSecond = passes.Count > 0 ? Rate(passes[0]) : null,
            LaterPassPagesPerCpuSecond = passes.Count > 2 ? Rate(passes[^1]) : null,
            MetadataBytesPerPage = (double)totals.MetadataBytes / totals.PagesPopulated,
            Breaks = curve.Reaching(ContenderFigures.First * optimum.SavedPages) is null
                ? null // most of the pages are not shared
                : Break(guests, contents.PagesToBreak(options.Breaks, options.Seed)),
            Curve = curve.Thinned(CurvePoints),
            Seconds = passes.Sum(static pass => pass.Elapsed.TotalSeconds),
        };
    }

    private static double Rate(PassReport pass) => pass.PagesScanned / Math.Max(1e-9, pass.CpuTime.TotalSeconds);

    /// <summary>Passes until two in a row merge nothing, with the saving followed by another thread.</summary>
    private static List<PassReport> Scan(
        IGuestHost host, long pages, CancellationToken stop, out SavingCurve curve)
    {
        var seen = curve = new SavingCurve();
        using var ending = new ManualResetEventSlim();
        var clock = Stopwatch.StartNew();
        void Note()
        {
            var totals = host.Snapshot().Totals;
            var resident = totals.ResidentBytes / PageSize.Bytes;
            seen.Add(clock.Elapsed.TotalSeconds, totals.ScanCpuSeconds, pages - resident);
        }

        var follower = new Thread(() =>
        {
            do
            {
                var began = clock.ElapsedMilliseconds;
                Note();
                var cost = clock.ElapsedMilliseconds - began;
                ending.Wait((int)Math.Max(LeastPollMilliseconds, cost * SnapshotShare));
            }
            while (!ending.IsSet);
        })
        { IsBackground = true, Name = "follower" };
        follower.Start();
        var passes = new List<PassReport>();
        try
        {
            for (var convergence = new Convergence(); !convergence.IsReached && !stop.IsCancellationRequested;)
            {
                passes.Add(host.ScanOnce(stop));
                convergence.Add(passes[^1]);
            }
        }
        finally
        {
            ending.Set();
            follower.Join();
        }

        Note();
        return passes;
    }

    private static CowFigures? Break(LoadedGuests guests, IReadOnlyList<PageOfGuest> places)
    {
        if (places.Count == 0)
        {
            return null;
        }

        // SAFETY: the places are pages of the guests, which live until Run returns.
        var pages = new byte*[places.Count];
        for (var i = 0; i < pages.Length; i++)
        {
            pages[i] = guests[places[i].Guest].Pointer + ((long)places[i].Page * PageSize.Bytes);
        }

        return BreakingWriters.Measure(pages, writers: 1); // read before, when every byte was compared
    }
}

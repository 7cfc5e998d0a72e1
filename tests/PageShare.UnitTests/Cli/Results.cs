using PageShare.Cli.Run;
using PageShare.Metrics;

namespace PageShare.UnitTests.Cli;

/// <summary>Results of runs that never were.</summary>
internal static class Results
{
    public const long Seed = 42;

    public static RunResult Of(
        long populated = 100,
        long residentPages = 40,
        long duplicates = 60,
        bool untilConverged = false,
        double? convergeSeconds = 1,
        bool interrupted = false,
        string? fault = null,
        string? wrong = null) => new()
        {
            Options = RunOptions.From(new RunRequest { Seed = Seed, UntilConverged = untilConverged, Guests = 1 }),
            Snapshot = Snapshot(populated, residentPages),
            Kernel = new KernelFigure(residentPages * 4096, 0, 0),
            Loaded = new LoadedPages(populated, 0, duplicates),
            Share = new ShareOutcome
            {
                Seconds = 2,
                ConvergeSeconds = untilConverged ? convergeSeconds : null,
                Interrupted = interrupted,
                PagesWritten = 1,
                PagesRead = 2,
                Faults = fault is null ? [] : [fault],
            },
            Verdicts = [new GuestVerdict("guest-1", wrong is null, wrong is null ? 0 : 1, wrong is null ? [] : [wrong])],
            Cpu = new PhaseSeconds(1.5, 2.5, 3.5),
        };

    public static EngineSnapshot Snapshot(long populated, long residentPages)
    {
        var counters = new CounterSet
        {
            PagesTotal = populated,
            PagesPopulated = populated,
            ResidentBytes = residentPages * 4096,
            ZeroPages = 10,
            PagesShared = 5,
            PagesSharing = 20,
            CowFaultsPerSecond = 17,
        };
        return new EngineSnapshot
        {
            Totals = counters,
            Domains = [new DomainSnapshot { Name = "default", Counters = counters }],
            Guests = [new GuestSnapshot { Name = "guest-1", Domain = "default", Counters = counters }],
            SealKind = "mprotect",
            BreakCounting = "handler",
        };
    }
}

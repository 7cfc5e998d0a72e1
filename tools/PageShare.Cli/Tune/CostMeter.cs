using PageShare.Cli.Traces;
using PageShare.Cli.Tune.Simulation;
using PageShare.Metrics;

namespace PageShare.Cli.Tune;

/// <summary>Measures what scanning and breaking cost on this machine.</summary>
internal static class CostMeter
{
    // Guests larger than most caches, and small enough to be done in a moment.
    private const int Pages = 8192;
    private const int WarmUpPages = 512;
    private const int WarmUps = 3;
    private const int Trials = 3;
    private const int QuietStretches = 64;

    /// <summary>Measures both fault modes.</summary>
    public static MachineCosts Measure()
    {
        // A wake-up and a pass for each stretch, and a wake-up with a part of a pass.
        double both = MeasureQuiet(stretches: 1);
        double mostly = MeasureQuiet(QuietStretches);
        double pass = Math.Max(0, (both - mostly) / (1 - (1.0 / QuietStretches)));
        return new MachineCosts(Measure(FaultMode.Signal), Measure(FaultMode.Kernel), Math.Max(1, both - pass), pass);
    }

    /// <summary>A scanner in the background that finds nothing to do: what it costs for each stretch all the
    /// same.</summary>
    private static double MeasureQuiet(int stretches)
    {
        const int WakesWanted = 50;
        const int WakesPerSecond = 100;
        using PageShareEngine engine = PageShareEngine.Start(new EngineOptions
        {
            ScanWhenBusy = true,
            PagesPerSecond = GuestPages.ChunkPages * WakesPerSecond,
        });
        engine.Pause();
        using Guest guest = engine.CreateGuest("quiet", (long)stretches * GuestPages.ChunkPages * Quantity.PageBytes);
        engine.ScanOnce();
        engine.ScanOnce();
        CounterSet before = engine.Snapshot().Totals;
        CounterSet after = before;
        engine.Resume();
        while (after.PagesScanned - before.PagesScanned < WakesWanted * GuestPages.ChunkPages)
        {
            Thread.Sleep(TimeSpan.FromSeconds(1.0 / WakesPerSecond));
            after = engine.Snapshot().Totals;
        }

        double wakes = (double)(after.PagesScanned - before.PagesScanned) / GuestPages.ChunkPages;
        return (after.ScanCpuSeconds - before.ScanCpuSeconds) * 1e9 / wakes;
    }

    /// <summary>Each cost is the median of some trials.</summary>
    private static Costs Measure(FaultMode mode)
    {
        for (int i = 0; i < WarmUps; i++)
        {
            CostTrial.Measure(mode, WarmUpPages);
        }

        Costs[] trials = [.. Enumerable.Range(0, Trials).Select(_ => CostTrial.Measure(mode, Pages))];
        return new Costs
        {
            PassOver = Median(costs => costs.PassOver),
            Look = Median(costs => costs.Look),
            LookAmongShared = Median(costs => costs.LookAmongShared),
            Turn = Median(costs => costs.Turn),
            FirstHash = Median(costs => costs.FirstHash),
            Rehash = Median(costs => costs.Rehash),
            Fill = Median(costs => costs.Fill),
            Merge = Median(costs => costs.Merge),
            MergeRun = Median(costs => costs.MergeRun),
            Zero = Median(costs => costs.Zero),
            ZeroRun = Median(costs => costs.ZeroRun),
            Break = Median(costs => costs.Break),
            Settle = Median(costs => costs.Settle),
            TrackedStore = Median(costs => costs.TrackedStore),
        };

        double Median(Func<Costs, double> cost) => trials.Select(cost).Order().ElementAt(Trials / 2);
    }
}

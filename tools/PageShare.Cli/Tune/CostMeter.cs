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

    /// <summary>Measures both fault modes.</summary>
    public static MachineCosts Measure() => new(Measure(FaultMode.Signal), Measure(FaultMode.Kernel), MeasureWake());

    /// <summary>A scanner in the background that finds nothing to do, so that waking up is all that it costs.</summary>
    private static double MeasureWake()
    {
        const int WakesWanted = 60;
        const int StretchPages = 512;
        using PageShareEngine engine = PageShareEngine.Start(new EngineOptions
        {
            ScanWhenBusy = true,
            PagesPerSecond = StretchPages * 100,
        });
        engine.Pause();
        using Guest guest = engine.CreateGuest("quiet", (long)StretchPages * Quantity.PageBytes);
        engine.ScanOnce();
        engine.ScanOnce();
        CounterSet before = engine.Snapshot().Totals;
        engine.Resume();
        CounterSet after = before;
        for (long wanted = before.FullScans + WakesWanted; after.FullScans < wanted; after = engine.Snapshot().Totals)
        {
            Thread.Sleep(1);
        }

        return (after.ScanCpuSeconds - before.ScanCpuSeconds) * 1e9 / (after.FullScans - before.FullScans);
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

using PageShare.Cli.Traces;
using PageShare.Cli.Tune.Simulation;
using PageShare.Metrics;

namespace PageShare.Cli.Tune;

/// <summary>Measures what scanning and breaking cost on this machine.</summary>
internal static class CostMeter
{
    // Guests larger than most caches in all, and small enough to be done in a moment.
    private const int Pages = 4096;
    private const int WarmUpPages = 512;
    private const int Trials = 3;
    private const int QuietStretches = 64;
    private const int QuietTrials = 7;

    /// <summary>Measures both fault modes.</summary>
    public static MachineCosts Measure()
    {
        (Costs signal, CostTrials[] trials) = Measure(FaultMode.Signal);
        (Costs kernel, CostTrials[] kernelTrials) = Measure(FaultMode.Kernel);
        double countMapping = Median(trials.Select(trial => trial.CountMapping));

        // A wake-up, a step and a pass for each stretch; and a wake-up, a step and a part of a pass. One is short and
        // comes after a sleep, when others have had the processor and its caches: so many are measured, by turns.
        double step = signal.Of(ScanTask.Step) + (GuestPages.ChunkPages * signal.Of(ScanTask.PassOver));
        (double Both, double Mostly)[] quiet =
        [
            .. Enumerable.Range(0, QuietTrials).Select(_ => (MeasureQuiet(stretches: 1), MeasureQuiet(QuietStretches))),
        ];
        double both = Median(quiet.Select(trial => trial.Both)) - step;
        double mostly = Median(quiet.Select(trial => trial.Mostly)) - step;
        double pass = Math.Max(0, (both - mostly) / (1 - (1.0 / QuietStretches)));
        return new MachineCosts(
            signal, kernel, Math.Max(1, both - pass), pass, countMapping, kernelTrials[0].TellsOfCopies);
    }

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted[sorted.Length / 2];
    }

    /// <summary>A scanner in the background that finds nothing to do: what it costs for each stretch all the
    /// same.</summary>
    private static double MeasureQuiet(int stretches)
    {
        const int WakesWanted = 30;
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

    /// <summary>All trials do the same, so what a pass took is the median of theirs.</summary>
    private static (Costs Costs, CostTrials[] Trials) Measure(FaultMode mode)
    {
        var caches = new ColdCaches();
        new CostTrials(mode, WarmUpPages, caches).Run();
        CostTrials[] trials = [.. Enumerable.Range(0, Trials).Select(_ => new CostTrials(mode, Pages, caches))];
        Array.ForEach(trials, trial => trial.Run());
        double[] prices = PriceFit.Find(
        [
            .. trials[0].Passes.Select((pass, i) =>
                pass with { Nanoseconds = MedianOf(trial => trial.Passes[i].Nanoseconds) }),
        ]);
        prices[(int)ScanTask.Unshare] = MedianOf(trial => trial.Unshare);
        prices[(int)ScanTask.UnsharePage] = MedianOf(trial => trial.UnsharePage);
        var costs = new Costs
        {
            Prices = prices,
            Break = MedianOf(trial => trial.Break),
            BreakAhead = MedianOf(trial => trial.BreakAhead),
            TrackedStore = MedianOf(trial => trial.TrackedStore),
        };
        return (costs, trials);

        double MedianOf(Func<CostTrials, double> cost) => Median(trials.Select(cost));
    }
}

namespace PageShare.Cli.Run;

/// <summary>Sets up the engine so that a run of the asked length shows what sharing does.</summary>
internal static class ScanPlan
{
    // A page is merged when it was seen twice, and pages that guests change are to be seen again: so that this happens
    // well before the end, an idle machine gets 8 passes in a run. A busy one gets 5, and one a minute in a long run:
    // that is less than a percent of a core for each gigabyte.
    private const int PassesWhenIdle = 8;
    private const int PassesWhenBusy = 5;
    private static readonly TimeSpan LongestPassWhenBusy = TimeSpan.FromMinutes(1);

    // The least that the engine takes for a target.
    private static readonly TimeSpan ShortestPass = TimeSpan.FromMilliseconds(100);

    /// <summary>The engine's options for a run.</summary>
    public static EngineOptions EngineOptionsFor(RunOptions options, IReadOnlyList<GuestPlan> plans)
    {
        var usual = new EngineOptions
        {
            FaultMode = options.FaultMode,
            MaximumBreakPages = options.BreakPages,
            ScannerThreads = options.ScannerThreads,
            DomainPerGuest = options.DomainPerGuest,
        };
        if (options.UntilConverged)
        {
            return usual with { BackgroundScanning = false };
        }

        // For a run of minutes the engine's own target is right; it is too leisurely for one of seconds.
        TimeSpan whenIdle = Shorter(options.Duration / PassesWhenIdle, usual.TargetPassTime);
        TimeSpan whenBusy = Shorter(options.Duration / PassesWhenBusy, LongestPassWhenBusy);
        double floor = plans.Sum(plan => plan.Pages) / whenBusy.TotalSeconds;
        return usual with
        {
            TargetPassTime = whenIdle > ShortestPass ? whenIdle : ShortestPass,
            MinimumPagesPerSecond = (int)Math.Clamp(floor, usual.MinimumPagesPerSecond, int.MaxValue),
        };
    }

    /// <summary>The same for an engine in a host, which scans by itself in any case.</summary>
    public static EngineOptions HostOptionsFor(RunOptions options, IReadOnlyList<GuestPlan> plans)
    {
        EngineOptions plan = EngineOptionsFor(options, plans);
        return plan.BackgroundScanning
            ? plan
            : plan with
            {
                // Pass after pass, as fast as the scanner's threads can.
                BackgroundScanning = true,
                ScanWhenBusy = true,
                CpuBudgetPercent = 100 * options.ScannerThreads,
                TargetPassTime = ShortestPass,
                MinimumPagesPerSecond = int.MaxValue,
            };
    }

    private static TimeSpan Shorter(TimeSpan one, TimeSpan other) => one < other ? one : other;
}

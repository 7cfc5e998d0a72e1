namespace PageShare.Cli.Run;

/// <summary>Sets up the engine so that a run of the asked length shows what sharing does.</summary>
internal static class ScanPlan
{
    // A page is merged when it was seen twice, and pages that guests change are to be seen again: so that this happens well
    // before the end, an idle machine gets 8 passes in a run. A busy one gets 5, at a few percent of a core.
    private const int PassesWhenIdle = 8;
    private const int PassesWhenBusy = 5;

    /// <summary>The engine's options for a run.</summary>
    public static EngineOptions EngineOptionsFor(RunOptions options, IReadOnlyList<GuestPlan> plans)
    {
        var usual = new EngineOptions
        {
            FaultMode = options.FaultMode,
            DomainPerGuest = options.DomainPerGuest,
        };
        if (options.UntilConverged)
        {
            return usual with { BackgroundScanning = false };
        }

        // For a run of minutes the engine's own defaults are right; they are too leisurely for one of seconds.
        TimeSpan passTime = options.Duration / PassesWhenIdle;
        double floor = PassesWhenBusy * plans.Sum(plan => plan.Pages) / options.Duration.TotalSeconds;
        return usual with
        {
            TargetPassTime = Clamp(passTime, TimeSpan.FromMilliseconds(100), usual.TargetPassTime),
            MinimumPagesPerSecond = (int)Math.Clamp(floor, usual.MinimumPagesPerSecond, int.MaxValue),
        };
    }

    private static TimeSpan Clamp(TimeSpan value, TimeSpan least, TimeSpan most) =>
        value < least ? least : value > most ? most : value;
}

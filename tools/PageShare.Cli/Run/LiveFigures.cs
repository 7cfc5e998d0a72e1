using PageShare.Metrics;

namespace PageShare.Cli.Run;

/// <summary>What a view shows of one moment.</summary>
internal sealed record LiveFigures(TimeSpan Elapsed, EngineSnapshot Snapshot, KernelFigure? Kernel)
{
    /// <summary>Takes the figures of this moment.</summary>
    public static LiveFigures Take(TimeSpan elapsed, IRunGuests guests) =>
        new(elapsed, guests.Snapshot(), guests.AskKernel(withCopies: false));
}

using PageShare.Workloads.Cow;

namespace PageShare.Workloads.Ksm;

/// <summary>What one contender did with one memory.</summary>
internal sealed record ContenderFigures
{
    /// <summary>Shares of the optimum until which time is taken.</summary>
    public const double First = 0.95;

    /// <summary>The second of them.</summary>
    public const double Second = 0.99;

    /// <summary>Who, and with which settings.</summary>
    public required string Name { get; init; }

    /// <summary>Our fault mode; null of KSM.</summary>
    public FaultMode? FaultMode { get; init; }

    /// <summary>Our scanner's threads; KSM has one.</summary>
    public int Threads { get; init; } = 1;

    /// <summary>Whether it is one of ours.</summary>
    public bool IsOurs => FaultMode is not null;

    /// <summary>Which memory.</summary>
    public required string Contents { get; init; }

    /// <summary>Its pages.</summary>
    public required long Pages { get; init; }

    /// <summary>Pages that exact sharing saves.</summary>
    public required long OptimumPages { get; init; }

    /// <summary>Pages that were saved in the end.</summary>
    public required long SavedPages { get; init; }

    /// <summary>When 95 % of the optimum were reached, and the CPU time until then; null: not within the
    /// limit.</summary>
    public required SavingPoint? At95 { get; init; }

    /// <summary>The same of 99 %.</summary>
    public required SavingPoint? At99 { get; init; }

    /// <summary>Pages per second of CPU time in the first pass; null if it did not end.</summary>
    public required double? FirstPassPagesPerCpuSecond { get; init; }

    /// <summary>The same of a pass after 99 % were reached, over memory that nobody has written.</summary>
    public required double? LaterPassPagesPerCpuSecond { get; init; }

    /// <summary>One writer's stores to shared pages in random order; null where too few were shared.</summary>
    public required CowFigures? Breaks { get; init; }

    /// <summary>Bookkeeping by page.</summary>
    public required double MetadataBytesPerPage { get; init; }

    /// <summary>How the saving grew, thinned out.</summary>
    public required IReadOnlyList<SavingPoint> Curve { get; init; }

    /// <summary>How long it was let work.</summary>
    public required double Seconds { get; init; }

    /// <summary>Saved pages by the optimum.</summary>
    public double ShareOfOptimum => OptimumPages == 0 ? 1 : (double)SavedPages / OptimumPages;
}

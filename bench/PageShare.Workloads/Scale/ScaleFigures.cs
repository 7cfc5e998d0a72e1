namespace PageShare.Workloads.Scale;

/// <summary>What a pass takes, and its limit.</summary>
/// <param name="CpuSeconds">CPU time of the pass.</param>
/// <param name="MarksCpuSeconds">The same of taking the kernel's marks of written pages alone; null where the kernel has
/// none.</param>
internal sealed record PassCost(double CpuSeconds, double? MarksCpuSeconds);

/// <summary>What was measured with guests of one size in all.</summary>
internal sealed record ScaleFigures
{
    /// <summary>All guests together, in MiB.</summary>
    public required long Mebibytes { get; init; }

    /// <summary>Their pages.</summary>
    public required long Pages { get; init; }

    /// <summary>Pages of a run that guests have in common; null where there is one guest.</summary>
    public required int? RunPages { get; init; }

    /// <summary>XxHash3 over a guest, median of turns with the passes, nanoseconds of CPU time a page: the first pass's
    /// limit.</summary>
    public required double HashNanosecondsPerPage { get; init; }

    /// <summary>The first pass by the clock.</summary>
    public required double FirstPassSeconds { get; init; }

    /// <summary>The same pass: every page is to be looked at.</summary>
    public required PassCost First { get; init; }

    /// <summary>From the first pass to the end of the last that merged anything, by the clock.</summary>
    public required double ConvergeSeconds { get; init; }

    /// <summary>Its CPU time.</summary>
    public required double ConvergeCpuSeconds { get; init; }

    /// <summary>A pass before which nothing was written, median.</summary>
    public required PassCost Quiet { get; init; }

    /// <summary>A pass before which one page in a hundred was written, median.</summary>
    public required PassCost Slight { get; init; }

    /// <summary>Saved pages by those that exact sharing saves; null where there are none.</summary>
    public required double? ShareOfOptimum { get; init; }

    /// <summary>Bookkeeping by populated page.</summary>
    public required double MetadataBytesPerPage { get; init; }

    /// <summary>Kernel tables by populated page.</summary>
    public required double KernelTableBytesPerPage { get; init; }

    /// <summary>Mappings that sharing takes.</summary>
    public required long MappingsUsed { get; init; }
}

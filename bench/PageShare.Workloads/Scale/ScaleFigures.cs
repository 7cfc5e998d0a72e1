namespace PageShare.Workloads.Scale;

/// <summary>What was measured with guests of one size in all.</summary>
internal sealed record ScaleFigures
{
    /// <summary>All guests together, in MiB.</summary>
    public required long Mebibytes { get; init; }

    /// <summary>Their pages.</summary>
    public required long Pages { get; init; }

    /// <summary>XxHash3 over a guest, nanoseconds of CPU time a page: the first pass's limit.</summary>
    public required double HashNanosecondsPerPage { get; init; }

    /// <summary>The first pass by the clock.</summary>
    public required double FirstPassSeconds { get; init; }

    /// <summary>Its CPU time.</summary>
    public required double FirstPassCpuSeconds { get; init; }

    /// <summary>From the first pass to the end of the last that merged anything, by the clock.</summary>
    public required double ConvergeSeconds { get; init; }

    /// <summary>Its CPU time.</summary>
    public required double ConvergeCpuSeconds { get; init; }

    /// <summary>A pass that finds nothing to do, CPU time.</summary>
    public required double QuietPassCpuSeconds { get; init; }

    /// <summary>A pass after one page in a hundred was written, CPU time.</summary>
    public required double SlightPassCpuSeconds { get; init; }

    /// <summary>Saved pages by those that exact sharing saves; null where there are none.</summary>
    public required double? ShareOfOptimum { get; init; }

    /// <summary>Bookkeeping by populated page.</summary>
    public required double MetadataBytesPerPage { get; init; }

    /// <summary>Kernel tables by populated page.</summary>
    public required double KernelTableBytesPerPage { get; init; }

    /// <summary>Mappings that sharing takes.</summary>
    public required long MappingsUsed { get; init; }
}

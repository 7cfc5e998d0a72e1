namespace PageShare.Benchmarks.EndToEnd;

/// <summary>What was measured in one fault mode. Plain data.</summary>
internal sealed record ModeFigures
{
    /// <summary>How stores to shared pages are caught.</summary>
    public required string FaultMode { get; init; }

    /// <summary>From the first pass to the end of the last one that merged anything.</summary>
    public required double ConvergeSeconds { get; init; }

    /// <summary>The scanner's CPU time meanwhile, native code included.</summary>
    public required double ConvergeCpuSeconds { get; init; }

    /// <summary>Passes that it took.</summary>
    public required int ConvergePasses { get; init; }

    /// <summary>Pages that share, or became holes.</summary>
    public required long Merges { get; init; }

    /// <summary>Merges a second of <see cref="ConvergeSeconds"/>.</summary>
    public double MergesPerSecond => Merges / ConvergeSeconds;

    /// <summary>Merges a second of <see cref="ConvergeCpuSeconds"/>.</summary>
    public double MergesPerCpuSecond => Merges / ConvergeCpuSeconds;

    /// <summary>The first pass, CPU time a page.</summary>
    public required double FirstPassNanosecondsPerPage { get; init; }

    /// <summary>XxHash3 over the same memory right before, the first pass's limit.</summary>
    public required double HashNanosecondsPerPage { get; init; }

    /// <summary>CPU time a page of the last pass, which found nothing to do.</summary>
    public required double QuietPassNanosecondsPerPage { get; init; }

    /// <summary>Pages saved, by the kernel's count of what is resident.</summary>
    public required long SavedPages { get; init; }

    /// <summary>Pages that exact sharing would save.</summary>
    public required long BestSavedPages { get; init; }

    /// <summary>Bookkeeping by populated page.</summary>
    public required double MetadataBytesPerPage { get; init; }

    /// <summary>Kernel tables (page tables, mappings) by populated page.</summary>
    public required double KernelTableBytesPerPage { get; init; }

    /// <summary>Mappings of the process.</summary>
    public required long MappingsUsed { get; init; }

    /// <summary>Stores page by page to shared pages.</summary>
    public required StoreTimes BreakSequential { get; init; }

    /// <summary>Stores to shared pages here and there.</summary>
    public required StoreTimes BreakRandom { get; init; }

    /// <summary>First stores to anonymous memory, the limit of a break.</summary>
    public required StoreTimes FirstTouch { get; init; }

    /// <summary>What a writer meets while all pages are being merged.</summary>
    public required SealWaits SealWaits { get; init; }
}

namespace PageShare.Workloads.Phases;

/// <summary>A moment of the replay. Saved pages are those that need no memory, zeros among them; percentages are of all
/// pages, as the engine's own <c>SharingRatio</c>.</summary>
internal sealed record PhaseSample
{
    /// <summary>Since the guests were loaded.</summary>
    public required double Seconds { get; init; }

    /// <summary>Pages of all guests.</summary>
    public required long Pages { get; init; }

    /// <summary>Of these, pages of zeros, counted exactly.</summary>
    public required long ZeroPages { get; init; }

    /// <summary>Zeros, and pages beyond the first of their content, counted exactly: the most that can be
    /// saved.</summary>
    public required long OptimumPages { get; init; }

    /// <summary>Pages of the guests for which the kernel provides no memory.</summary>
    public required long SavedPages { get; init; }

    /// <summary>What would be saved had nobody scanned again: of the pages saved at the first convergence, those that
    /// were not written since. Null before it.</summary>
    public long? WithoutRescansPages { get; init; }

    /// <summary>Pages written since the start of the replay.</summary>
    public required long PagesWritten { get; init; }

    /// <summary>Stores that broke sharing, per second since the last sample.</summary>
    public required double BreaksPerSecond { get; init; }

    /// <summary>Of one core, since the last sample.</summary>
    public required double ScannerCpuPercent { get; init; }

    /// <summary>CPU seconds of the scanner since the guests were loaded.</summary>
    public required double ScannerCpuSeconds { get; init; }

    /// <summary>Full passes since then.</summary>
    public required long FullScans { get; init; }

    /// <summary>Mappings that sharing takes.</summary>
    public required long MappingsUsed { get; init; }

    /// <summary>Ours.</summary>
    public double SavingPercent => Percent(SavedPages);

    /// <summary>The optimum.</summary>
    public double OptimumPercent => Percent(OptimumPages);

    /// <summary>Without rescans.</summary>
    public double? WithoutRescansPercent => WithoutRescansPages is { } pages ? Percent(pages) : null;

    private double Percent(long pages) => Pages == 0 ? 0 : 100.0 * pages / Pages;
}

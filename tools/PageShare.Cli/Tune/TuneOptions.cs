using PageShare.Cli.Scan;
using PageShare.Cli.Traces;

namespace PageShare.Cli.Tune;

/// <summary>Where a trace comes from: a recording, or images of several moments.</summary>
/// <param name="Recording">The file; null if it is images.</param>
/// <param name="Images">The images by time; empty if it is a recording.</param>
internal sealed record TraceSource(string? Recording, IReadOnlyList<ImageMoment> Images);

/// <summary>What <c>pageshare tune</c> was asked to do.</summary>
internal sealed record TuneOptions
{
    /// <summary>What to tune for.</summary>
    public required TraceSource Source { get; init; }

    /// <summary>What to judge the result on as well; null for nothing.</summary>
    public TraceSource? Judge { get; init; }

    /// <summary>Most CPU time in percent of one core; null for what the defaults take.</summary>
    public double? CpuLimitPercent { get; init; }

    /// <summary>Where to write the recommended configuration; null for nowhere.</summary>
    public string? ConfigurationFile { get; init; }

    /// <summary>Threads that read images.</summary>
    public int Threads { get; init; } = Math.Min(Environment.ProcessorCount, ScanOptions.MostThreads);

    /// <summary>Whether to print one JSON object.</summary>
    public bool Json { get; init; }

    /// <summary>Where to write a page; null for none.</summary>
    public string? Html { get; init; }
}

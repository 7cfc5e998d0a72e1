using PageShare.Cli.Scan;

namespace PageShare.Cli.Record;

/// <summary>What <c>pageshare record</c> was asked to do.</summary>
internal sealed record RecordOptions
{
    /// <summary>Names of processes and images.</summary>
    public required IReadOnlyList<string> Targets { get; init; }

    /// <summary>The file to write.</summary>
    public required string Output { get; init; }

    /// <summary>Time from one moment to the next.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long to record; null until Ctrl-C.</summary>
    public TimeSpan? Duration { get; init; }

    /// <summary>Threads that read.</summary>
    public int Threads { get; init; } = Math.Min(Environment.ProcessorCount, ScanOptions.MostThreads);

    /// <summary>Whether to print one JSON object.</summary>
    public bool Json { get; init; }

    /// <summary>Where to write a page; null for none.</summary>
    public string? Html { get; init; }
}

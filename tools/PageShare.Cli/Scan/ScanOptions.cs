using PageShare.Cli.Scan.Count;

namespace PageShare.Cli.Scan;

/// <summary>What <c>pageshare scan</c> was asked to do, checked.</summary>
internal sealed record ScanOptions
{
    /// <summary>Most threads that may be asked for.</summary>
    public const int MostThreads = 256;

    /// <summary>Names of targets.</summary>
    public required IReadOnlyList<string> Targets { get; init; }

    /// <summary>Which contents are looked at.</summary>
    public SampleRate Sample { get; init; } = SampleRate.All;

    /// <summary>Threads that read; at most two of them lay out frames afterwards.</summary>
    public int Threads { get; init; } = Math.Min(Environment.ProcessorCount, MostThreads);

    /// <summary>Whether to print one JSON object instead of tables.</summary>
    public bool Json { get; init; }

    /// <summary>Where to write a page; null for none.</summary>
    public string? Html { get; init; }
}

using System.Text.Json;
using System.Text.Json.Serialization;
using PageShare.Cli.Scan.Report;

namespace PageShare.Cli.Record;

/// <summary>What a recording holds. Its names are those of the JSON.</summary>
internal sealed record RecordReport
{
    /// <summary>The file.</summary>
    public required string File { get; init; }

    /// <summary>Its bytes.</summary>
    public required long Bytes { get; init; }

    /// <summary>What was recorded, as on the command line.</summary>
    public required IReadOnlyList<string> Targets { get; init; }

    /// <summary>The moments.</summary>
    public required IReadOnlyList<MomentReport> Moments { get; init; }

    /// <summary>Distinct contents of all moments, zero left out.</summary>
    public required long DistinctPages { get; init; }

    /// <summary>Seconds from one moment to the next, as asked for.</summary>
    public required double IntervalSeconds { get; init; }

    /// <summary>Moments that took longer to read than the interval, so that the next one was late.</summary>
    public required int LateMoments { get; init; }

    /// <summary>What went wrong.</summary>
    public required IReadOnlyList<ProblemReport> Problems { get; init; }

    /// <summary>One JSON object.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, RecordJsonContext.Default.RecordReport);
}

/// <summary>One moment of a recording.</summary>
/// <param name="AtSeconds">Time since the first.</param>
/// <param name="Pages">Pages that have memory.</param>
/// <param name="ChangedPages">Pages that have another content than before.</param>
/// <param name="ReadSeconds">How long reading took.</param>
internal sealed record MomentReport(double AtSeconds, long Pages, long ChangedPages, double ReadSeconds);

/// <summary>Serialization without reflection.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(RecordReport))]
internal sealed partial class RecordJsonContext : JsonSerializerContext;

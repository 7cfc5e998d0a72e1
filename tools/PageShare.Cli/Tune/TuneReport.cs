using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using PageShare.Cli.Traces;
using PageShare.Cli.Tune.Simulation;

namespace PageShare.Cli.Tune;

/// <summary>All that tuning found. Its names are those of the JSON.</summary>
internal sealed record TuneReport
{
    /// <summary>What was tuned for.</summary>
    public required TraceReport Trace { get; init; }

    /// <summary>What things cost on this machine, in nanoseconds.</summary>
    public required MachineCosts Costs { get; init; }

    /// <summary>Mappings that sharing may take where nothing is said.</summary>
    public required long MappingLimit { get; init; }

    /// <summary>Settings that were tried.</summary>
    public required int SettingsTried { get; init; }

    /// <summary>How long all of it took.</summary>
    public required double Seconds { get; init; }

    /// <summary>Most CPU that the recommendation may take, in percent of one core.</summary>
    public required double CpuLimitPercent { get; init; }

    /// <summary>What the defaults give.</summary>
    public required OutcomeReport Defaults { get; init; }

    /// <summary>What the recommended settings give.</summary>
    public required OutcomeReport Recommended { get; init; }

    /// <summary>The recommended settings as the host's configuration file has them.</summary>
    public required JsonObject Configuration { get; init; }

    /// <summary>What each of them means.</summary>
    public required IReadOnlyList<SettingReport> Settings { get; init; }

    /// <summary>Settings of which none saves more at less CPU.</summary>
    public required IReadOnlyList<OutcomeReport> ParetoFront { get; init; }

    /// <summary>All settings tried.</summary>
    public required IReadOnlyList<OutcomeReport> All { get; init; }

    /// <summary>The same settings on another trace; null if there is none.</summary>
    public required JudgementReport? Judgement { get; init; }

    /// <summary>What a reader of the figures must know.</summary>
    public required IReadOnlyList<string> Notes { get; init; }

    /// <summary>One JSON object.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, TuneJsonContext.Default.TuneReport);
}

/// <summary>A trace.</summary>
internal sealed record TraceReport
{
    /// <summary>Where it comes from.</summary>
    public required string Name { get; init; }

    /// <summary>The guests.</summary>
    public required IReadOnlyList<string> Guests { get; init; }

    /// <summary>Pages of all guests.</summary>
    public required long Pages { get; init; }

    /// <summary>Moments that were looked at.</summary>
    public required int Moments { get; init; }

    /// <summary>Time from the first to the last.</summary>
    public required double Seconds { get; init; }

    /// <summary>Pages that changed from one moment to another.</summary>
    public required long ChangedPages { get; init; }

    /// <summary>Describes a trace.</summary>
    public static TraceReport Of(MemoryTrace trace) => new()
    {
        Name = trace.Name,
        Guests = trace.Guests,
        Pages = trace.TotalPages,
        Moments = trace.Moments.Count,
        Seconds = trace.Length.TotalSeconds,
        ChangedPages = trace.Moments.Skip(1).Sum(moment => moment.Changes.Sum(changes => (long)changes.Length)),
    };
}

/// <summary>What settings give on a trace.</summary>
internal sealed record OutcomeReport
{
    /// <summary>How they differ from the defaults.</summary>
    public required string Settings { get; init; }

    /// <summary>Saved less all tables, averaged over time.</summary>
    public required long NetSavedBytes { get; init; }

    /// <summary>Saved, averaged over time.</summary>
    public required long SavedBytes { get; init; }

    /// <summary>What the best sharing would save, averaged over time.</summary>
    public required long BestBytes { get; init; }

    /// <summary>Scanner and guests, in percent of one core.</summary>
    public required double CpuPercent { get; init; }

    /// <summary>Scanner, in percent of one core.</summary>
    public required double ScannerCpuPercent { get; init; }

    /// <summary>Guests, for breaks and for stores that are tracked, in percent of one core.</summary>
    public required double GuestCpuPercent { get; init; }

    /// <summary>Stores to shared pages.</summary>
    public required double BreaksPerSecond { get; init; }

    /// <summary>Seconds until 95 % of what can be saved is; null if that was not reached.</summary>
    public required double? ConvergeSeconds { get; init; }

    /// <summary>Most memory of tables, the kernel's with them.</summary>
    public required long MetadataBytes { get; init; }

    /// <summary>Most mappings.</summary>
    public required long Mappings { get; init; }

    /// <summary>What was saved when; null where it does not matter.</summary>
    public IReadOnlyList<SavingSample>? OverTime { get; init; }

    /// <summary>Describes an outcome.</summary>
    public static OutcomeReport Of(Outcome outcome, bool overTime = false) => new()
    {
        Settings = SettingsText.Difference(outcome.Options, new EngineOptions()),
        NetSavedBytes = (long)outcome.MeanNetBytes,
        SavedBytes = (long)outcome.MeanSavedBytes,
        BestBytes = (long)outcome.MeanBestBytes,
        CpuPercent = outcome.CpuPercent,
        ScannerCpuPercent = outcome.ScannerCpuPercent,
        GuestCpuPercent = outcome.GuestCpuPercent,
        BreaksPerSecond = outcome.BreaksPerSecond,
        ConvergeSeconds = outcome.ConvergeSeconds,
        MetadataBytes = outcome.MetadataBytes,
        Mappings = outcome.Mappings,
        OverTime = overTime
            ? [.. outcome.Samples.Select(sample => new SavingSample(
                sample.At.TotalSeconds,
                sample.Guests.SavedPages * Quantity.PageBytes,
                sample.Guests.BestPages * Quantity.PageBytes))]
            : null,
    };
}

/// <summary>What was saved at one time.</summary>
/// <param name="AtSeconds">The time.</param>
/// <param name="SavedBytes">Saved.</param>
/// <param name="BestBytes">What the best sharing would save.</param>
internal sealed record SavingSample(double AtSeconds, long SavedBytes, long BestBytes);

/// <summary>What was tuned on one trace, judged on another.</summary>
/// <param name="Trace">The other.</param>
/// <param name="Defaults">What the defaults give there.</param>
/// <param name="Recommended">What the recommended settings give there.</param>
/// <param name="SavesMore">Whether these save more than the defaults, net.</param>
/// <param name="AtNoMoreCpu">Whether they take no more CPU than the defaults.</param>
internal sealed record JudgementReport(
    TraceReport Trace, OutcomeReport Defaults, OutcomeReport Recommended, bool SavesMore, bool AtNoMoreCpu);

/// <summary>Serialization without reflection.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(TuneReport))]
internal sealed partial class TuneJsonContext : JsonSerializerContext;

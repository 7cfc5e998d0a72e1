using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using PageShare.Scan;

namespace PageShare.Cli.Tune;

/// <summary>
/// The settings that tuning chooses, by their names in the host's configuration file (JSON, under <c>engine</c>), and
/// what each value means. The only place that knows that file's format.
/// </summary>
internal static class SettingsText
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    private static readonly Setting[] Tuned =
    [
        new("targetPassTime", o => Duration(o.TargetPassTime), PassTime)
        {
            Copy = (o, from) => o with { TargetPassTime = from.TargetPassTime },
        },
        new("stablePasses", o => o.StablePasses, Stability)
        {
            Copy = (o, from) => o with { StablePasses = from.StablePasses },
        },
        new("faultMode", o => o.FaultMode == FaultMode.Kernel ? "kernel" : "signal", Mode)
        {
            Copy = (o, from) => o with { FaultMode = from.FaultMode },
        },
        new("cpuBudgetPercent", o => o.CpuBudgetPercent, CpuBudget)
        {
            Copy = (o, from) => o with { CpuBudgetPercent = from.CpuBudgetPercent },
        },
        new("backOffMaximumPasses", o => o.BackOffMaximumPasses, BackOff)
        {
            Copy = (o, from) => o with { BackOffMaximumPasses = from.BackOffMaximumPasses },
        },
        new("mappingBudget", o => o.MappingBudget, Mappings)
        {
            Copy = (o, from) => o with { MappingBudget = from.MappingBudget },
        },
        new("trackWrites", o => o.TrackWrites, Tracking)
        {
            Copy = (o, from) => o with { TrackWrites = from.TrackWrites },
        },
        new("minimumPagesPerSecond", o => o.MinimumPagesPerSecond, MinimumRate)
        {
            Copy = (o, from) => o with { MinimumPagesPerSecond = from.MinimumPagesPerSecond },
        },
        new("idleThresholdPercent", o => o.IdleThresholdPercent, IdleThreshold)
        {
            Copy = (o, from) => o with { IdleThresholdPercent = from.IdleThresholdPercent },
        },
        new("scanWhenBusy", o => o.ScanWhenBusy, WhenBusy)
        {
            Copy = (o, from) => o with { ScanWhenBusy = from.ScanWhenBusy },
        },
    ];

    /// <summary>The settings as the host's configuration file has them.</summary>
    public static JsonObject ToJson(EngineOptions options)
    {
        var engine = new JsonObject();
        foreach (Setting setting in Tuned)
        {
            engine[setting.Name] = JsonValue(setting.Value(options));
        }

        return new JsonObject { ["engine"] = engine };
    }

    /// <summary>A configuration as a file has it.</summary>
    public static string Format(JsonObject configuration) => configuration.ToJsonString(Indented);

    /// <summary>Each setting with its value, what it is by default, and what it means.</summary>
    public static IReadOnlyList<SettingReport> Explain(EngineOptions options)
    {
        var usual = new EngineOptions();
        return
        [
            .. Tuned.Select(setting => new SettingReport(
                setting.Name,
                Text(setting.Value(options)),
                Text(setting.Value(usual)),
                setting.Meaning(options))),
        ];
    }

    /// <summary>The settings that differ, in a few words: <c>targetPassTime 5s, faultMode kernel</c>.</summary>
    public static string Difference(EngineOptions options, EngineOptions from)
    {
        IEnumerable<string> differences = Tuned
            .Where(setting => !Equals(setting.Value(options), setting.Value(from)))
            .Select(setting => $"{setting.Name} {Text(setting.Value(options))}");
        string text = string.Join(", ", differences);
        return text.Length == 0 ? "the defaults" : text;
    }

    /// <summary>The same options with one setting of others, for each that differs.</summary>
    public static IEnumerable<EngineOptions> WithOneOf(EngineOptions options, EngineOptions others) => Tuned
        .Where(setting => !Equals(setting.Value(options), setting.Value(others)))
        .Select(setting => setting.Copy(options, others));

    private static string PassTime(EngineOptions o) =>
        $"A full pass takes {Passes(o, 1)}, the less the more changes and the cheaper it is: a page is shared within "
        + $"{Passes(o, o.StablePasses + 1)} after it last changed.";

    private static string Stability(EngineOptions o) => o.StablePasses == 1
        ? "A page is merged when it was the same at two looks in a row: to wait longer would save less."
        : $"A page must be the same at {o.StablePasses + 1} looks in a row before it is merged: those that were the same "
            + "at fewer were often written again.";

    private static string Mode(EngineOptions o) => o.FaultMode == FaultMode.Kernel
        ? "The kernel copies a shared page when a guest stores to it, which costs the guest less than a signal does."
        : "A signal handler copies a shared page when a guest stores to it, and the scanner need not look for copies.";

    private static string CpuBudget(EngineOptions o) =>
        $"The scanner never takes more than {Number(o.CpuBudgetPercent)} % of one core in any second.";

    private static string BackOff(EngineOptions o) =>
        $"A page that keeps breaking is tried again every {o.BackOffMaximumPasses} passes at the latest, that is "
        + $"{Passes(o, o.BackOffMaximumPasses)}.";

    private static string Mappings(EngineOptions o) => o.MappingBudget is int most
        ? $"Sharing takes at most {Quantity.Count(most)} mappings, the longest runs first: shorter ones cost more than "
            + "they save."
        : "Sharing takes up to half of the mappings that the system allows.";

    private static string Tracking(EngineOptions o) => o.TrackWrites
        ? "The kernel tells which pages were written, so that a pass hashes these alone."
        : "Every pass hashes all pages, which costs less here than what tracking adds to the guests' stores.";

    private static string MinimumRate(EngineOptions o) =>
        $"While the machine is busy, {Quantity.Count(o.MinimumPagesPerSecond)} pages a second are scanned all the same.";

    private static string IdleThreshold(EngineOptions o) => o.IdleThresholdPercent <= 0
        ? "The machine never counts as too busy to scan by its idle time."
        : $"The scanner goes at full rate while at least {Number(o.IdleThresholdPercent)} % of all CPU time is idle.";

    private static string WhenBusy(EngineOptions o) => o.ScanWhenBusy
        ? "The scanner goes at full rate on a busy machine too, within its CPU budget."
        : "On a busy machine the scanner stands back.";

    private static JsonNode? JsonValue(object? value) => value switch
    {
        null => null,
        int number => number,
        double number => number,
        bool flag => flag,
        _ => value.ToString(),
    };

    private static string Text(object? value) => value switch
    {
        null => "null",
        bool flag => flag ? "true" : "false",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };

    private static string Duration(TimeSpan time) => time.TotalSeconds < 1
        ? $"{Number(time.TotalMilliseconds)}ms"
        : $"{Number(time.TotalSeconds)}s";

    /// <summary>How long so many passes take, at the quickest and at the slowest.</summary>
    private static string Passes(EngineOptions o, int passes) =>
        $"{Seconds(o.TargetPassTime * passes * ScanAdvisor.ShortestShare)} to {Seconds(o.TargetPassTime * passes)}";

    private static string Seconds(TimeSpan time) => time.TotalSeconds < 120
        ? $"{Number(time.TotalSeconds)} s"
        : $"{Number(Math.Round(time.TotalMinutes))} minutes";

    private static string Number(double number) => number.ToString("0.###", CultureInfo.InvariantCulture);

    /// <param name="Name">Its name in the file.</param>
    /// <param name="Value">Its value there.</param>
    /// <param name="Meaning">What the value means.</param>
    private sealed record Setting(
        string Name, Func<EngineOptions, object?> Value, Func<EngineOptions, string> Meaning)
    {
        /// <summary>The first options with this setting of the second.</summary>
        public required Func<EngineOptions, EngineOptions, EngineOptions> Copy { get; init; }
    }
}

/// <summary>A setting as it is recommended.</summary>
/// <param name="Name">Its name in the host's configuration file.</param>
/// <param name="Value">Its value there.</param>
/// <param name="Default">What it is if nothing is said.</param>
/// <param name="Meaning">What the value means, a sentence.</param>
internal sealed record SettingReport(string Name, string Value, string Default, string Meaning);

namespace PageShare.Host.Configuration;

/// <summary>The settings of the engine by their names in JSON; ranges are the engine's own to check.</summary>
internal static class EngineSettings
{
    private static readonly Dictionary<string, Func<EngineOptions, Setting, EngineOptions>> Table = new()
    {
        ["faultMode"] = static (o, s) => o with { FaultMode = s.Word<FaultMode>() },
        ["domainPerGuest"] = static (o, s) => o with { DomainPerGuest = s.Switch() },
        ["defaultDomain"] = static (o, s) => o with { DefaultDomain = s.Text("a share domain's name") },
        ["backgroundScanning"] = static (o, s) => o with { BackgroundScanning = s.Switch() },
        ["scannerThreads"] = static (o, s) => o with { ScannerThreads = s.Count(1, "threads") },
        ["pagesPerSecond"] = static (o, s) => o with { PagesPerSecond = s.Count(0, "pages") },
        ["minimumPagesPerSecond"] = static (o, s) => o with { MinimumPagesPerSecond = s.Count(0, "pages") },
        ["cpuBudgetPercent"] = static (o, s) => o with { CpuBudgetPercent = s.Real() },
        ["idleThresholdPercent"] = static (o, s) => o with { IdleThresholdPercent = s.Real() },
        ["targetPassTime"] = static (o, s) => o with { TargetPassTime = s.Duration() },
        ["pressureLimitPercent"] = static (o, s) => o with { PressureLimitPercent = s.Real() },
        ["scanWhenBusy"] = static (o, s) => o with { ScanWhenBusy = s.Switch() },
        ["trackWrites"] = static (o, s) => o with { TrackWrites = s.Switch() },
        ["countBreaksAtOnce"] = static (o, s) => o with { CountBreaksAtOnce = s.Switch() },
        ["stablePasses"] = static (o, s) => o with { StablePasses = s.Count(0, "passes") },
        ["backOffMaximumPasses"] = static (o, s) => o with { BackOffMaximumPasses = s.Count(0, "passes") },
        ["mappingBudget"] = static (o, s) =>
            o with { MappingBudget = s.IsNull ? null : s.Count(0, "mappings, or null") },
        ["reserveMappings"] = static (o, s) => o with { ReserveMappings = s.Count(0, "mappings") },
        ["breakTimeout"] = static (o, s) => o with { BreakTimeout = s.Duration() },
        ["maximumBreakPages"] = static (o, s) => o with { MaximumBreakPages = s.Count(1, "pages") },
    };

    /// <summary>All names.</summary>
    public static IReadOnlyCollection<string> Names => Table.Keys;

    /// <summary>Options with one of them changed.</summary>
    /// <exception cref="HostConfigurationException">The value is none for this setting.</exception>
    public static EngineOptions Apply(EngineOptions options, string name, Setting value)
    {
        var changed = Table[name](options, value);
        try
        {
            changed.Validate();
        }
        catch (ArgumentOutOfRangeException refusal)
        {
            // "CpuBudgetPercent is 400, but must be between 0.1 and 100 percent of one core. (Parameter …"
            var message = refusal.Message.Split('\n')[0];
            var end = message.IndexOf(" (Parameter", StringComparison.Ordinal);
            throw new HostConfigurationException(
                value.Source, value.Key, end < 0 ? message : message[..end], refusal);
        }

        return changed;
    }
}

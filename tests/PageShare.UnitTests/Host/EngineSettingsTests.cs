using System.Globalization;
using System.Reflection;
using System.Text.Json;
using PageShare.Host.Configuration;
using PageShare.TestKit;

namespace PageShare.UnitTests.Host;

public sealed class EngineSettingsTests
{
    /// <summary>Every setting of the engine by its name in JSON, with another value than its default.</summary>
    public static TheoryData<string, string> Values => new()
    {
        { "faultMode", "kernel" },
        { "domainPerGuest", "true" },
        { "defaultDomain", "other" },
        { "backgroundScanning", "false" },
        { "scannerThreads", "3" },
        { "pagesPerSecond", "1234" },
        { "minimumPagesPerSecond", "55" },
        { "cpuBudgetPercent", "31.5" },
        { "idleThresholdPercent", "33" },
        { "targetPassTime", "7s" },
        { "pressureLimitPercent", "44" },
        { "scanWhenBusy", "true" },
        { "trackWrites", "false" },
        { "countBreaksAtOnce", "false" },
        { "stablePasses", "2" },
        { "backOffMaximumPasses", "16" },
        { "mappingBudget", "4321" },
        { "reserveMappings", "12" },
        { "breakTimeout", "1500ms" },
        { "maximumBreakPages", "4" },
    };

    [Fact]
    public void EveryPropertyOfTheOptionsCanBeConfigured()
    {
        var properties = typeof(EngineOptions).GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(static property => property.CanWrite)
            .Select(static property => JsonNamingPolicy.CamelCase.ConvertName(property.Name));
        Assert.Equal(properties.Order(), EngineSettings.Names.Order());
        Assert.Equal(EngineSettings.Names.Order(), Values.Select(static row => row.Data.Item1).Order());
    }

    [Theory]
    [MemberData(nameof(Values))]
    public void ASettingChangesItsOwnPropertyAlone(string name, string value)
    {
        var made = HostConfiguration.Load(
            new HostOptions
            {
                Settings = new Dictionary<string, string> { ["socket"] = "/s", [$"engine.{name}"] = value },
            },
            new Dictionary<string, string>()).Engine;
        var isText = !double.TryParse(value, CultureInfo.InvariantCulture, out _) && value is not ("true" or "false");
        using var folder = new TemporaryFolder();
        var file = folder.Write(
            "host.json", $$"""{ "socket": "/s", "engine": { "{{name}}": {{(isText ? $"\"{value}\"" : value)}} } }""");
        var same = HostConfiguration.Load(new HostOptions { File = file }, new Dictionary<string, string>()).Engine;
        Assert.Equal(made, same);

        var changed = typeof(EngineOptions).GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(property => !Equals(property.GetValue(made), property.GetValue(new EngineOptions())));
        Assert.Equal(name, JsonNamingPolicy.CamelCase.ConvertName(Assert.Single(changed).Name));
    }
}

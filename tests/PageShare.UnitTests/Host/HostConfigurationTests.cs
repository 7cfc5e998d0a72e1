using Microsoft.Extensions.Logging;
using PageShare.Host.Configuration;
using PageShare.TestKit;

namespace PageShare.UnitTests.Host;

public sealed class HostConfigurationTests
{
    private static readonly Dictionary<string, string> NoEnvironment = new() { ["XDG_RUNTIME_DIR"] = "/run/user/1000" };

    [Fact]
    public void AFileSaysEverythingWithCommentsAndTrailingCommas()
    {
        var made = Load("""
            {
              // where clients connect
              "socket": "/tmp/host.sock",
              "http": "http://127.0.0.1:9750",
              "log": "debug",
              "engine": {
                "cpuBudgetPercent": 12.5, "targetPassTime": "5s", "faultMode": "kernel", "mappingBudget": null,
              },
              "limits": { "connectionsPerUser": 7, "handshakeTimeout": "250ms" },
              "users": {
                "1001": { "domains": ["web", "own"], "mostBytes": 1073741824, "mostGuests": 3, "operator": true },
                "*": {}
              },
              "domains": { "web": { "users": ["root", 1001, "1002"] } },
            }
            """);
        Assert.Equal("/tmp/host.sock", made.Socket);
        Assert.Equal(9750, made.Http!.Port);
        Assert.Equal(LogLevel.Debug, made.Log);
        Assert.Equal(
            new EngineOptions
            {
                CpuBudgetPercent = 12.5,
                TargetPassTime = TimeSpan.FromSeconds(5),
                FaultMode = FaultMode.Kernel,
            },
            made.Engine);
        Assert.Equal(new HostLimits { ConnectionsPerUser = 7, HandshakeTimeout = TimeSpan.FromMilliseconds(250) },
            made.Limits);
        var rule = made.Users["1001"];
        Assert.Equal(["web", "own"], rule.Domains!);
        Assert.Equal((1L << 30, 3, true), (rule.MostBytes, rule.MostGuests, rule.IsOperator));
        Assert.Equal(new UserRule(), made.Users["*"]);
        Assert.Equal(["root", "1001", "1002"], made.Domains["web"].Users);
    }

    [Fact]
    public void OptionsStandAboveTheEnvironmentAndThatAboveTheFile()
    {
        using var folder = new TemporaryFolder();
        var file = folder.Write("host.json",
            """{ "socket": "/a", "log": "debug", "engine": { "stablePasses": 2, "reserveMappings": 5 } }""");
        var made = HostConfiguration.Load(
            new HostOptions { File = file, Settings = Values(("socket", "/c"), ("engine.reserveMappings", "7")) },
            Values(
                ("PAGESHARE_SOCKET", "/b"), ("PAGESHARE_LOG", "Warning"), ("PAGESHARE_ENGINE__RESERVE_MAPPINGS", "6"),
                ("PAGESHARE_LIMITS__CONNECTIONS", "9")));
        Assert.Equal(("/c", LogLevel.Warning), (made.Socket, made.Log));
        Assert.Equal((2, 7, 9), (made.Engine.StablePasses, made.Engine.ReserveMappings, made.Limits.Connections));
    }

    [Fact]
    public void TheEnvironmentNamesTheFileIfNoOptionDoes()
    {
        using var folder = new TemporaryFolder();
        var file = folder.Write("host.json", """{ "socket": "/from-file" }""");
        Assert.Equal(
            "/from-file",
            HostConfiguration.Load(new HostOptions(), Values(("PAGESHARE_CONFIG", file))).Socket);
    }

    /// <summary>What is wrong, the key that the message must name, and a part of what it must say.</summary>
    public static TheoryData<string, string, string> Mistakes => new()
    {
        { """{ "sockets": "/a" }""", "sockets", "Did you mean \"socket\"?" },
        { """{ "engine": { "cpuBudgetPercnt": 3 } }""", "engine.cpuBudgetPercnt",
            "Did you mean \"cpuBudgetPercent\"?" },
        { """{ "engine": { "cpuBudgetPercent": 400 } }""", "engine.cpuBudgetPercent",
            "between 0.1 and 100 percent of one core" },
        { """{ "engine": { "cpuBudgetPercent": "much" } }""", "engine.cpuBudgetPercent", "must be a number" },
        { """{ "engine": { "faultMode": "fast" } }""", "engine.faultMode", "one of \"signal\", \"kernel\"" },
        { """{ "engine": { "faultMode": "1" } }""", "engine.faultMode", "one of \"signal\", \"kernel\"" },
        { """{ "engine": { "targetPassTime": 20 } }""", "engine.targetPassTime", "such as \"500ms\"" },
        { """{ "engine": { "targetPassTime": "20 parsecs" } }""", "engine.targetPassTime", "such as \"500ms\"" },
        { """{ "engine": { "trackWrites": "yes" } }""", "engine.trackWrites", "true or false" },
        { """{ "engine": { "stablePasses": 1.5 } }""", "engine.stablePasses", "whole number" },
        { """{ "engine": [] }""", "engine", "object of engine settings" },
        { """{ "limits": { "connections": 0 } }""", "limits.connections", "from 1 to" },
        { """{ "http": "http://192.168.1.5:80" }""", "http", "not this machine's loopback" },
        { """{ "socket": 7 }""", "socket", "must be a path" },
        { """{ "log": "loud" }""", "log", "\"information\"" },
        { """{ "socket": "/a", "socket": "/b" }""", "socket", "twice" },
        { """{ "users": { "bob": { "memory": 3 } } }""", "users.bob.memory", "mostBytes" },
        { """{ "users": { "bob": { "domains": [] } } }""", "users.bob.domains", "at least one" },
        { """{ "users": { "bob": { "domains": ["a/b"] } } }""", "users.bob.domains[0]", "letters, digits" },
        { """{ "domains": { "web": { } } }""", "domains.web", "who is in it" },
        { """{ "domains": { "1001/x": { "users": ["bob"] } } }""", "domains.1001/x", "letters, digits" },
        { "{ nonsense", "", "is no JSON" },
        { "[]", "", "object of settings" },
    };

    [Theory]
    [MemberData(nameof(Mistakes))]
    public void AMistakeIsNamedByFileKeyAndWhatIsAllowed(string file, string key, string part)
    {
        using var folder = new TemporaryFolder();
        var path = folder.Write("host.json", file);
        var refusal = Assert.Throws<HostConfigurationException>(() =>
            HostConfiguration.Load(new HostOptions { File = path }, NoEnvironment));
        Assert.Equal(key, refusal.Key);
        Assert.StartsWith(path + ": " + key, refusal.Message, StringComparison.Ordinal);
        Assert.Contains(part, refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refusal.Message);
    }

    [Fact]
    public void AFileThatIsNotThereIsNamed()
    {
        var refusal = Assert.Throws<HostConfigurationException>(
            () => HostConfiguration.Load(new HostOptions { File = "/no/such/file.json" }, NoEnvironment));
        Assert.StartsWith("/no/such/file.json: can't be read", refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("PAGESHARE_ENGINE__NO_SUCH", "1", "variable PAGESHARE_ENGINE__NO_SUCH")]
    [InlineData("PAGESHARE_ENGINE__STABLE_PASSES", "many", "engine.stablePasses")]
    [InlineData("PAGESHARE_USERS__BOB", "{}", "configuration file alone")]
    public void AMistakeInTheEnvironmentIsNamedByItsVariable(string name, string value, string part)
    {
        var refusal = Assert.Throws<HostConfigurationException>(() => HostConfiguration.Load(
            new HostOptions(), Values((name, value), ("PAGESHARE_SOCKET", "/a"))));
        Assert.StartsWith($"variable {name}: ", refusal.Message, StringComparison.Ordinal);
        Assert.Contains(part, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AVariableOfAnotherProgramIsAWarning()
    {
        var made = HostConfiguration.Load(
            new HostOptions(), Values(("PAGESHARE_SOKET", "/a"), ("PAGESHARE_SOCKET", "/b"), ("HOME", "/")));
        Assert.Contains("PAGESHARE_SOKET", Assert.Single(made.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void APathThatTheKernelCannotTakeForASocketIsRefused()
    {
        var refusal = Assert.Throws<HostConfigurationException>(() => HostConfiguration.Load(
            new HostOptions { Settings = Values(("socket", "/" + new string('a', 120))) }, NoEnvironment));
        Assert.Contains("107 bytes", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TheExampleThatIsDeliveredCanBeRead()
    {
        var example = Path.Combine(AppContext.BaseDirectory, "pageshare.json");
        var made = HostConfiguration.Load(new HostOptions { File = example }, NoEnvironment);
        Assert.Equal("/run/pageshare/host.sock", made.Socket);
        Assert.Equal(new EngineOptions(), made.Engine);
        Assert.Equal(new HostLimits(), made.Limits);
    }

    private static Dictionary<string, string> Values(params (string Key, string Value)[] values) =>
        values.ToDictionary(static value => value.Key, static value => value.Value);

    private static HostConfiguration Load(string json)
    {
        using var folder = new TemporaryFolder();
        return HostConfiguration.Load(new HostOptions { File = folder.Write("host.json", json) }, NoEnvironment);
    }
}

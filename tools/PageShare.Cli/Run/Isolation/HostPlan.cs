using System.Globalization;
using System.Text.Json.Nodes;

namespace PageShare.Cli.Run.Isolation;

/// <summary>What the host of a run is told: how to scan, and which users may be in which share domain.</summary>
internal sealed record HostPlan(RunOptions Options, EngineOptions Engine, IReadOnlyList<uint> Users)
{
    // The name that guests of one process have by default, so that reports look the same.
    private const string CommonDomain = "default";

    /// <summary>The share domain of a guest.</summary>
    public string DomainOf(int guest) =>
        Options.DomainPerGuest ? string.Create(CultureInfo.InvariantCulture, $"{CommonDomain}-{guest + 1}") : CommonDomain;

    /// <summary>The host's configuration file.</summary>
    public JsonObject ToJson(string socket) => new()
    {
        ["socket"] = socket,
        ["engine"] = new JsonObject
        {
            ["faultMode"] = RunHead.FaultModeName(Engine.FaultMode),
            ["maximumBreakPages"] = Engine.MaximumBreakPages,
            ["scannerThreads"] = Engine.ScannerThreads,
            ["backgroundScanning"] = Engine.BackgroundScanning,
            ["scanWhenBusy"] = Engine.ScanWhenBusy,
            ["cpuBudgetPercent"] = Engine.CpuBudgetPercent,
            ["targetPassTime"] = Engine.TargetPassTime.ToString("c", CultureInfo.InvariantCulture),
            ["minimumPagesPerSecond"] = Engine.MinimumPagesPerSecond,
        },
        // They are our own guests: the usual limits are for strangers.
        ["limits"] = new JsonObject
        {
            ["connections"] = (2 * Users.Count) + 64,
            ["connectionsPerUser"] = (2 * Users.Count) + 64,
            ["handshakeTimeout"] = "1m",
            ["frameTimeout"] = "1m",
        },
        ["domains"] = new JsonObject(Domains()),
    };

    // Joined, since all of them belong to one person: this is what lets guests of different users share.
    private IEnumerable<KeyValuePair<string, JsonNode?>> Domains() => Options.DomainPerGuest
        ? Users.Select((user, i) => Domain(DomainOf(i), [user]))
        : [Domain(CommonDomain, [.. Users.Distinct()])];

    private static KeyValuePair<string, JsonNode?> Domain(string name, IReadOnlyList<uint> users) => new(
        name, new JsonObject { ["users"] = new JsonArray([.. users.Select(user => (JsonNode)JsonValue.Create(user))]) });
}

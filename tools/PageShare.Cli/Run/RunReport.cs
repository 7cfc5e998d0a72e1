using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using PageShare.Metrics;

namespace PageShare.Cli.Run;

/// <summary>
/// A run as one JSON object: what it was, all counters of the engine under their documented names, and the same for
/// each guest. Counters are copied from the engine's own serialization, so that a new one appears here by itself.
/// </summary>
internal static class RunReport
{
    /// <summary>The object as indented text.</summary>
    public static string ToJson(RunResult result)
    {
        JsonObject report = JsonSerializer.SerializeToNode(RunHead.Of(result), RunJsonContext.Default.RunHead)!.AsObject();
        AddCounters(report, result.Snapshot.Totals);

        var guests = new JsonArray();
        foreach (GuestSnapshot guest in result.Snapshot.Guests)
        {
            var entry = new JsonObject { ["name"] = guest.Name, ["domain"] = guest.Domain };
            if (result.Isolation.Guests.FirstOrDefault(process => process.Name == guest.Name) is GuestIdentity identity)
            {
                entry["pid"] = identity.Pid;
                entry["uid"] = identity.Uid;
            }

            entry["verified"] = result.Verdicts.Any(verdict => verdict.Name == guest.Name && verdict.Verified);
            AddCounters(entry, guest.Counters);
            guests.Add((JsonNode)entry);
        }

        report["guests"] = guests;
        return report.ToJsonString(RunJsonContext.Default.Options);
    }

    private static void AddCounters(JsonObject target, CounterSet counters)
    {
        JsonObject source = JsonSerializer.SerializeToNode(counters, PageShareJsonContext.Default.CounterSet)!.AsObject();
        foreach ((string name, JsonNode? value) in source.ToArray())
        {
            source.Remove(name);
            target[name] = value;
        }
    }
}

/// <summary>What a run's JSON says beside the counters.</summary>
internal sealed record RunHead
{
    /// <summary>Whether every guest held every byte that it wrote.</summary>
    public required bool Verified { get; init; }

    /// <summary>Whether two passes in a row merged nothing; false also where that was not asked for.</summary>
    public required bool Converged { get; init; }

    /// <summary>Seconds of the share phase until then; null if it did not converge.</summary>
    public required double? ConvergeSeconds { get; init; }

    /// <summary>Length of the share phase.</summary>
    public required double ShareSeconds { get; init; }

    /// <summary>Whether Ctrl-C ended the share phase early.</summary>
    public required bool Interrupted { get; init; }

    /// <summary>CPU seconds of all processes of the run.</summary>
    public required PhaseSeconds CpuSecondsByPhase { get; init; }

    /// <summary>Repeats the run's random choices.</summary>
    public required long Seed { get; init; }

    /// <summary>How stores to shared pages were caught: signal or kernel.</summary>
    public required string FaultMode { get; init; }

    /// <summary>How pages were kept still while they were compared.</summary>
    public required string SealKind { get; init; }

    /// <summary>What counted the breaks.</summary>
    public required string BreakCounting { get; init; }

    /// <summary>How written pages were found.</summary>
    public required string WriteTracking { get; init; }

    /// <summary>What the engine warns of, a sentence each.</summary>
    public required IReadOnlyList<string> Warnings { get; init; }

    /// <summary>Pages that all guests were to write per second.</summary>
    public required long WriteRate { get; init; }

    /// <summary>Pages that they did write while sharing.</summary>
    public required long PagesWritten { get; init; }

    /// <summary>Pages that they read and checked while sharing.</summary>
    public required long PagesRead { get; init; }

    /// <summary>The pages that guests loaded, counted exactly and without the engine.</summary>
    public required LoadedPages Loaded { get; init; }

    /// <summary>The kernel's figure for <c>residentBytes</c>, asked without the engine; null where it has
    /// none.</summary>
    public required long? KernelResidentBytes { get; init; }

    /// <summary>How guests were kept apart.</summary>
    public required IsolationReport Isolation { get; init; }

    /// <summary>What was wrong, in words.</summary>
    public required IReadOnlyList<string> Faults { get; init; }

    /// <summary>The head of a result.</summary>
    public static RunHead Of(RunResult result) => new()
    {
        Verified = result.Verified,
        Converged = result.Share.ConvergeSeconds is not null,
        ConvergeSeconds = result.Share.ConvergeSeconds,
        ShareSeconds = result.Share.Seconds,
        Interrupted = result.Share.Interrupted,
        CpuSecondsByPhase = result.Cpu,
        Seed = result.Options.Seed,
        FaultMode = FaultModeName(result.Options.FaultMode),
        SealKind = result.Snapshot.SealKind,
        BreakCounting = result.Snapshot.BreakCounting,
        WriteTracking = result.Snapshot.WriteTracking,
        Warnings = result.Snapshot.Warnings,
        WriteRate = result.Options.WriteRate,
        PagesWritten = result.Share.PagesWritten,
        PagesRead = result.Share.PagesRead,
        Loaded = result.Loaded,
        KernelResidentBytes = result.Kernel?.ResidentBytes,
        Isolation = result.Isolation,
        Faults = [.. result.Faults],
    };

    /// <summary>The word that the command line takes.</summary>
    public static string FaultModeName(FaultMode mode) => mode == PageShare.FaultMode.Kernel ? "kernel" : "signal";
}

/// <summary>Serialization without reflection.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(RunHead))]
internal sealed partial class RunJsonContext : JsonSerializerContext;

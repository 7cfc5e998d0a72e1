using System.Text.Json;
using System.Text.Json.Serialization;

namespace PageShare.Metrics;

/// <summary>
/// Snapshots as JSON with the counters' documented names, without reflection at run time. Derived figures are written,
/// and computed anew when read back.
/// </summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    Converters = [typeof(FaultModeJsonConverter)])]
[JsonSerializable(typeof(EngineSnapshot))]
[JsonSerializable(typeof(DomainSnapshot))]
[JsonSerializable(typeof(GuestSnapshot))]
[JsonSerializable(typeof(CounterSet))]
[JsonSerializable(typeof(PassReport))]
public sealed partial class PageShareJsonContext : JsonSerializerContext;

/// <summary>Writes <c>signal</c> or <c>kernel</c>, the words that the command line takes.</summary>
internal sealed class FaultModeJsonConverter() : JsonStringEnumConverter<FaultMode>(JsonNamingPolicy.CamelCase);

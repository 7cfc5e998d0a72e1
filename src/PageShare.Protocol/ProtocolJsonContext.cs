using System.Text.Json;
using System.Text.Json.Serialization;
using PageShare.Metrics;
using PageShare.Protocol.Messages;

namespace PageShare.Protocol;

/// <summary>
/// The messages' bodies as JSON, without reflection at run time. Members that are missing, or null where they may not
/// be, are errors; members that this version does not know are passed over, so that a later one may add some.
/// </summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    AllowDuplicateProperties = false,
    MaxDepth = 16,
    Converters = [typeof(FaultModeConverter), typeof(ControlActionConverter)])]
[JsonSerializable(typeof(HelloRequest))]
[JsonSerializable(typeof(WelcomeAnswer))]
[JsonSerializable(typeof(Refusal))]
[JsonSerializable(typeof(EmptyBody))]
[JsonSerializable(typeof(AllocateRequest))]
[JsonSerializable(typeof(AllocatedAnswer))]
[JsonSerializable(typeof(GrowRequest))]
[JsonSerializable(typeof(GuestRequest))]
[JsonSerializable(typeof(ResumeRequest))]
[JsonSerializable(typeof(ResumedAnswer))]
[JsonSerializable(typeof(SnapshotAnswer))]
[JsonSerializable(typeof(StatusRequest))]
[JsonSerializable(typeof(StatusAnswer))]
[JsonSerializable(typeof(ControlRequest))]
[JsonSerializable(typeof(ContentsRequest))]
[JsonSerializable(typeof(ContentsAnswer))]
[JsonSerializable(typeof(MemoryRequest))]
[JsonSerializable(typeof(MemoryAnswer))]
internal sealed partial class ProtocolJsonContext : JsonSerializerContext
{
    /// <summary>The context that all messages go through.</summary>
    public static ProtocolJsonContext Strict => Default;
}

/// <summary>Words only: a number could be no fault mode at all.</summary>
internal sealed class FaultModeConverter()
    : JsonStringEnumConverter<FaultMode>(JsonNamingPolicy.CamelCase, allowIntegerValues: false);

/// <summary>Words only.</summary>
internal sealed class ControlActionConverter()
    : JsonStringEnumConverter<ControlAction>(JsonNamingPolicy.CamelCase, allowIntegerValues: false);

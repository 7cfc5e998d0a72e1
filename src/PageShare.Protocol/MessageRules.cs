using System.Text.Json.Serialization.Metadata;
using PageShare.Protocol.Messages;

namespace PageShare.Protocol;

/// <summary>What each kind of message consists of: the one table of it. Immutable.</summary>
internal sealed class MessageRules
{
    private static readonly Dictionary<MessageKind, MessageRules> Rules = new()
    {
        [MessageKind.Hello] = new(Json.HelloRequest),
        [MessageKind.Welcome] = new(Json.WelcomeAnswer),
        [MessageKind.Refused] = new(Json.Refusal),
        [MessageKind.Done] = new(Json.EmptyBody),
        [MessageKind.Allocate] = new(Json.AllocateRequest),
        [MessageKind.Allocated] = new(Json.AllocatedAnswer, least: 4, most: 4),
        [MessageKind.Grow] = new(Json.GrowRequest),
        [MessageKind.Free] = new(Json.GuestRequest),
        [MessageKind.Resume] = new(Json.ResumeRequest, least: 2, most: FrameHeader.MaximumDescriptors),
        [MessageKind.Resumed] = new(Json.ResumedAnswer, least: 0, most: 2),
        [MessageKind.Attached] = new(Json.GuestRequest),
        [MessageKind.GetSnapshot] = new(Json.GuestRequest),
        [MessageKind.Snapshot] = new(Json.SnapshotAnswer),
        [MessageKind.GetStatus] = new(Json.StatusRequest),
        [MessageKind.Status] = new(Json.StatusAnswer),
        [MessageKind.Control] = new(Json.ControlRequest),
        [MessageKind.GetContents] = new(Json.ContentsRequest),
        [MessageKind.Contents] = new(Json.ContentsAnswer, least: 0, most: 1),
        [MessageKind.GetMemory] = new(Json.MemoryRequest),
        [MessageKind.Memory] = new(Json.MemoryAnswer, least: 2, most: FrameHeader.MaximumDescriptors),
    };

    private MessageRules(JsonTypeInfo body, int least = 0, int most = 0)
    {
        Body = body;
        LeastDescriptors = least;
        MostDescriptors = most;
    }

    /// <summary>How the body is written.</summary>
    public JsonTypeInfo Body { get; }

    /// <summary>Fewest descriptors.</summary>
    public int LeastDescriptors { get; }

    /// <summary>Most descriptors.</summary>
    public int MostDescriptors { get; }

    private static ProtocolJsonContext Json => ProtocolJsonContext.Strict;

    /// <summary>The rules of a kind; null if it is no kind.</summary>
    public static MessageRules? Of(MessageKind kind) => Rules.GetValueOrDefault(kind);

    /// <summary>Such as "4 descriptors", for messages.</summary>
    public string DescribeDescriptors() => (LeastDescriptors, MostDescriptors) switch
    {
        (_, 0) => "no descriptors",
        var (least, most) when least == most => $"{most} descriptors",
        var (least, most) => $"{least} to {most} descriptors",
    };
}

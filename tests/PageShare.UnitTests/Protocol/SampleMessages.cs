using PageShare.Metrics;
using PageShare.Protocol;
using PageShare.Protocol.Messages;

namespace PageShare.UnitTests.Protocol;

/// <summary>One message of each kind.</summary>
internal static class SampleMessages
{
    private static readonly GuestSnapshot Guest = new()
    {
        Name = "web-1",
        Domain = "default",
        FaultMode = FaultMode.Kernel,
        Sharing = true,
        Counters = new CounterSet { PagesTotal = 100, PagesSharing = 40 },
    };

    /// <summary>The bodies, by kind.</summary>
    public static IReadOnlyDictionary<MessageKind, object> All { get; } = new Dictionary<MessageKind, object>
    {
        [MessageKind.Hello] = new HelloRequest("web", IsOperator: true),
        [MessageKind.Welcome] = new WelcomeAnswer(Guid.Parse("0e8fbf5b-8a65-4a6e-9c43-5b1a6d8f2a10"), "0.1.0"),
        [MessageKind.Refused] = new Refusal(RefusalCode.OverQuota, "user 1000 may have 1 GiB"),
        [MessageKind.Done] = new EmptyBody(),
        [MessageKind.Allocate] = new AllocateRequest("web-1", 1 << 30, null, "tenant-ä", FaultMode.Kernel, false),
        [MessageKind.Allocated] = new AllocatedAnswer(
            7, "default", 10, 20, 1L << 40, FaultMode.Signal, true, 30_000_000_000, 16),
        [MessageKind.Grow] = new GrowRequest(7, 15),
        [MessageKind.Free] = new GuestRequest(7),
        [MessageKind.Resume] = new ResumeRequest(
            Guid.Parse("0e8fbf5b-8a65-4a6e-9c43-5b1a6d8f2a10"), 7, "web-1", 10, 20, "default",
            FaultMode.Signal, true, [0, 1], 2),
        [MessageKind.Resumed] = new ResumedAnswer(8, false, 1L << 40, false, 1),
        [MessageKind.Attached] = new GuestRequest(8),
        [MessageKind.GetSnapshot] = new GuestRequest(8),
        [MessageKind.Snapshot] = new SnapshotAnswer(Guest),
        [MessageKind.GetStatus] = new StatusRequest(),
        [MessageKind.Status] = new StatusAnswer(
            Guid.Empty,
            "0.1.0",
            42,
            DateTimeOffset.UnixEpoch,
            new EngineSnapshot
            {
                Totals = new CounterSet(),
                Domains = [],
                Guests = [Guest],
                SealKind = "mprotect",
                BreakCounting = "handler",
            },
            [new GuestProcess(7, "web-1", 43, 1000, "attached", 0)]),
        [MessageKind.Control] = new ControlRequest(ControlAction.Unshare, null),
        [MessageKind.GetContents] = new ContentsRequest("web-1", 5),
        [MessageKind.Contents] = new ContentsAnswer(10, "zscpv-"),
        [MessageKind.GetMemory] = new MemoryRequest("web-1"),
        [MessageKind.Memory] = new MemoryAnswer(10, FaultMode.Kernel, [0, 1]),
    };

    /// <summary>A message's body as bytes.</summary>
    public static byte[] BodyOf(MessageKind kind) => (All[kind]) switch
    {
        HelloRequest body => MessageBody.Write(kind, body),
        WelcomeAnswer body => MessageBody.Write(kind, body),
        Refusal body => MessageBody.Write(kind, body),
        EmptyBody body => MessageBody.Write(kind, body),
        AllocateRequest body => MessageBody.Write(kind, body),
        AllocatedAnswer body => MessageBody.Write(kind, body),
        GrowRequest body => MessageBody.Write(kind, body),
        GuestRequest body => MessageBody.Write(kind, body),
        ResumeRequest body => MessageBody.Write(kind, body),
        ResumedAnswer body => MessageBody.Write(kind, body),
        SnapshotAnswer body => MessageBody.Write(kind, body),
        StatusRequest body => MessageBody.Write(kind, body),
        StatusAnswer body => MessageBody.Write(kind, body),
        ControlRequest body => MessageBody.Write(kind, body),
        ContentsRequest body => MessageBody.Write(kind, body),
        ContentsAnswer body => MessageBody.Write(kind, body),
        MemoryRequest body => MessageBody.Write(kind, body),
        MemoryAnswer body => MessageBody.Write(kind, body),
        var other => throw new ArgumentException($"{other} is unknown.", nameof(kind)),
    };

    /// <summary>A whole frame as it goes over the wire, without its descriptors.</summary>
    public static byte[] FrameOf(MessageKind kind)
    {
        var body = BodyOf(kind);
        var frame = new byte[FrameHeader.Bytes + body.Length];
        new FrameHeader(kind, body.Length, MessageRules.Of(kind)!.LeastDescriptors).Write(frame);
        body.CopyTo(frame, FrameHeader.Bytes);
        return frame;
    }
}

using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Mono.Unix.Native;
using PageShare.Memory;
using PageShare.PageTable;
using PageShare.Platform;
using PageShare.Platform.Linux;
using PageShare.Protocol;
using PageShare.Protocol.Messages;
using PageShare.TestKit;
using PageShare.TestKit.Proof;

namespace PageShare.IsolationTests.Attached;

/// <summary>Who listens at the socket is no host, or one that has gone wrong: the program is told, and unharmed.</summary>
public sealed class GarbageFromHostTests : AttachedTest
{
    private const int Pages = 16;
    private const long Bytes = Pages * PageContent.Bytes;
    private const string Name = "garbage-from-host";

    private readonly IPlatform _platform = HostPlatform.Create();

    private static readonly AllocatedAnswer Right = new(
        1, "default", Pages, Pages, 100 * PageSize.Bytes, FaultMode.Signal, true, 1_000_000_000, 16);

    public static TheoryData<string> Lies =>
    [
        "pages 0", "pages other", "pages above maximum", "maximum huge", "maximum negative", "store 0",
        "store negative", "store huge", "store uneven", "timeout negative", "break pages 0",
        "backing null", "backing small", "backing large", "backing unsealed", "backing read-only",
        "table null", "table small", "table unsealed", "ring null", "ring small", "ring unformatted", "ring of others",
        "store null", "store pipe",
    ];

    [Theory, MemberData(nameof(Lies))]
    public void WhatIsNoGuestMemoryIsNotMapped(string lie)
    {
        using var host = StartHost();
        var wrong = lie.Split(' ');
        var answer = lie switch
        {
            "pages 0" => Right with { Pages = 0 },
            "pages other" => Right with { Pages = Pages - 1 },
            "pages above maximum" => Right with { MaximumPages = Pages - 1 },
            "maximum huge" => Right with { MaximumPages = long.MaxValue },
            "maximum negative" => Right with { MaximumPages = -1 },
            "store 0" => Right with { StoreBytes = 0 },
            "store negative" => Right with { StoreBytes = -4096 },
            "store huge" => Right with { StoreBytes = 1L << 50 },
            "store uneven" => Right with { StoreBytes = 4097 },
            "timeout negative" => Right with { BreakTimeoutNanoseconds = -1 },
            "break pages 0" => Right with { BreakPages = 0 },
            _ => Right,
        };
        var descriptors = new[]
        {
            Make("backing", wrong, Pages * PageSize.Bytes),
            Make("table", wrong, PageTableMemory.BytesFor(Pages)),
            Make("ring", wrong, RingHandle.BytesFor(Pages)),
            Make("store", wrong, 100 * PageSize.Bytes),
        };
        host.Intercept = (channel, frame) =>
        {
            switch (frame.Kind)
            {
                case MessageKind.Allocate:
                    channel.Send(MessageKind.Allocated, answer, descriptors);
                    return true;
                case MessageKind.Free or MessageKind.Attached:
                    channel.Send(MessageKind.Done, new EmptyBody());
                    return true;
                default:
                    return false;
            }
        };
        var client = Connect();
        var before = ProcessMappings.Count;
        Assert.ThrowsAny<IOException>(() => client.Allocate("guest", Bytes));
        Assert.Equal(MessageKind.Free, host.Received.Last()); // and the host is told that nobody uses it
        Assert.Empty(client.Guests);
        foreach (var descriptor in descriptors)
        {
            descriptor.Dispose();
        }

        Until.True(() => OpenDescriptors.CountOf(Name) == 0, "all that was received is closed");
        Assert.True(ProcessMappings.Count <= before + 10); // the runtime makes some of its own

        host.Intercept = null;
        var guest = client.Allocate("guest", Bytes);
        Write(guest, 0, PageContent.Unique(1));
        Expect(guest, 0, PageContent.Unique(1));
    }

    [Fact]
    public void OneByOneEveryAnswerMayBeWrong()
    {
        using var host = StartHost();
        var client = Connect();
        var guest = client.Allocate("guest", Bytes);
        Write(guest, 0, PageContent.Unique(1));
        host["guest"].Merge(0, PageContent.Unique(1));
        MessageKind[] kinds =
            [MessageKind.GetSnapshot, MessageKind.Allocate, MessageKind.Resume, MessageKind.Attached];
        foreach (var kind in kinds)
        {
            // A Welcome is never the answer to any of these.
            var seen = 0;
            host.Intercept = (channel, frame) =>
            {
                if (frame.Kind != kind || Interlocked.Increment(ref seen) > 1)
                {
                    return false;
                }

                channel.Send(MessageKind.Welcome, new WelcomeAnswer(Guid.Empty, "?"));
                return true;
            };
            switch (kind)
            {
                case MessageKind.GetSnapshot:
                    Assert.Throws<ProtocolException>(guest.Snapshot);
                    break;
                case MessageKind.Allocate:
                    Assert.Throws<ProtocolException>(() => client.Allocate("other", Bytes));
                    break;
                default:
                    host.Disconnect();
                    break;
            }

            Until.True(() => Volatile.Read(ref seen) > 0 && guest.IsAttached, "the guest is attached again");
            Expect(guest, 0, PageContent.Unique(1));
        }
    }

    [Fact]
    public async Task NoiseInsteadOfAHostIsToldFromOne()
    {
        var random = Seeds.Create();
        using var listener = Own(new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified));
        listener.Bind(new UnixDomainSocketEndPoint(SocketPath));
        listener.Listen(10);
        for (var i = 0; i < 100; i++)
        {
            var noise = new byte[random.Next(0, 200)];
            random.NextBytes(noise);
            var answering = Task.Run(() =>
            {
                using var client = listener.Accept();
                client.Send(noise);
                client.Shutdown(SocketShutdown.Send);
                _ = client.Receive(new byte[1000]);
            }, TestContext.Current.CancellationToken);
            Assert.ThrowsAny<IOException>(() => GuestClient.Connect(SocketPath, Options));
            await answering;
        }
    }

    [Fact]
    public void AHostThatGoesWrongAtTakeoverLeavesTheGuestAsItWas()
    {
        var former = StartHost();
        var client = Connect();
        var guest = client.Allocate("guest", Bytes);
        Write(guest, 0, PageContent.Unique(1));
        former["guest"].Merge(0, PageContent.Unique(1));
        former.Dispose();
        var attempts = 0;
        using var host = new TestHost(SocketPath);
        host.Intercept = (channel, frame) =>
        {
            if (frame.Kind == MessageKind.Free)
            {
                channel.Send(MessageKind.Done, new EmptyBody());
                return true;
            }

            if (frame.Kind != MessageKind.Resume)
            {
                return false;
            }

            using var nothing = File.OpenHandle("/dev/null");
            switch (Interlocked.Increment(ref attempts))
            {
                case 1: // no descriptors
                    channel.Send(MessageKind.Resumed, new ResumedAnswer(9, false, 409_600, true, 1));
                    return true;
                case 2: // as if it had the guest
                    channel.Send(MessageKind.Resumed, new ResumedAnswer(9, true, 409_600, true, 1));
                    return true;
                case 3: // gone in the middle
                    channel.Shutdown();
                    return true;
                case 4: // no memory; that is final until the next connection
                    channel.Send(MessageKind.Resumed, new ResumedAnswer(9, false, 409_600, true, 1), nothing, nothing);
                    return true;
                default:
                    return false;
            }
        };
        Until.True(() => guest.Refusal is not null, "the guest could not be taken over");
        Write(guest, 1, PageContent.Unique(2));
        Expect(guest, 0, PageContent.Unique(1));
        host.Disconnect();
        Until.True(() => guest.IsAttached, "the host has come to reason");
        Assert.Equal(PageState.Shared, host["guest"].WordOf(0).State);
        Assert.Equal([MergeResult.Done], host["guest"].Merge(1, PageContent.Unique(2)));
        Expect(guest, 0, PageContent.Unique(1));
        Expect(guest, 1, PageContent.Unique(2));
        client.Dispose();
    }

    private SafeHandle Make(string part, string[] wrong, long bytes)
    {
        var problem = wrong[0] == part ? wrong[1] : "";
        var sharing = _platform.BetweenProcesses!;
        switch (problem)
        {
            case "null":
                return File.OpenHandle("/dev/null");
            case "pipe":
                Assert.Equal(0, Syscall.pipe(out var reader, out var writer));
                Assert.Equal(0, Syscall.close(writer));
                return new SafeFileHandle(reader, ownsHandle: true);
            case "small":
                return sharing.CreateSealed(Name, bytes - PageSize.Bytes);
            case "large":
                return sharing.CreateSealed(Name, bytes + PageSize.Bytes);
            case "unsealed":
                return Memfd.Create(Name, bytes, seals: 0);
        }

        var memory = sharing.CreateSealed(Name, bytes);
        if (part == "ring" && problem != "unformatted")
        {
            using var view = _platform.Map(memory, bytes, writable: true);
            Format(view, problem == "of" ? Pages * 2 : Pages);
        }

        if (part == "store" || problem == "read-only")
        {
            using (memory)
            {
                return memory.OpenReadOnly();
            }
        }

        return memory;
    }

    private static unsafe void Format(MappedMemory view, long pages)
    {
        Assert.Equal(0, RingNative.Format(view.Address, (ulong)view.Length, Pages));
        ((RingHeader*)view.Address)->Pages = (ulong)pages;
    }
}

using PageShare.PageTable;
using PageShare.Platform;
using PageShare.Protocol;
using PageShare.Protocol.Messages;
using PageShare.TestKit;
using PageShare.TestKit.Proof;

namespace PageShare.IsolationTests.Attached;

/// <summary>A program's side of a host: allocating, sharing, giving back.</summary>
public sealed class GuestClientTests : AttachedTest
{
    private const int Pages = 16;
    private const long Bytes = Pages * PageContent.Bytes;

    [Fact]
    public void ConnectingWhereNobodyListensSaysWhatToDo()
    {
        var thrown = Assert.Throws<HostUnavailableException>(() => GuestClient.Connect(SocketPath, Options));
        Assert.Contains($"pageshare host --socket {SocketPath}", thrown.Message, StringComparison.Ordinal);
    }

    [Theory, BothModes]
    public void WhatTheHostMergesIsSharedUntilItIsWritten(FaultMode mode)
    {
        using var host = StartHost();
        var client = Connect();
        var options = new GuestOptions { FaultMode = mode };
        var guests = new[] { "first", "second" }.Select(name => client.Allocate(name, Bytes, options)).ToArray();
        Assert.Equal(1, PageShare.Attachment.StoreTable.OfProcess.Count);
        foreach (var guest in guests)
        {
            for (var page = 0; page < Pages; page++)
            {
                Expect(guest, page, PageContent.Zero);
                Write(guest, page, PageContent.Unique(page + 1));
            }
        }

        var frame = host["first"].Store.Add(PageContent.Unique(1));
        Assert.Equal(MergeResult.Done, host["first"].Merge(0, frame));
        Assert.Equal(MergeResult.Done, host["second"].Merge(0, frame));
        Assert.Equal(MergeResult.Differs, host["first"].Merge(1, frame));
        Assert.Equal(
            [MergeResult.Done, MergeResult.Done],
            host["second"].Merge(4, PageContent.Unique(5), PageContent.Unique(6)));
        Assert.True(PageStates.IsShared(host["second"].WordOf(5).State));
        if (Environment.IsPrivilegedProcess)
        {
            unsafe
            {
                Assert.Equal(PageFrames.Of(guests[0].Pointer, 1), PageFrames.Of(guests[1].Pointer, 1));
            }
        }

        Write(guests[0], 0, PageContent.Unique(77));
        Expect(guests[0], 0, PageContent.Unique(77));
        for (var page = 0; page < Pages; page++)
        {
            Expect(guests[1], page, PageContent.Unique(page + 1));
        }

        guests[1].Unshare();
        Assert.Equal(PageState.Private, host["second"].WordOf(5).State);
        Expect(guests[1], 5, PageContent.Unique(6));
    }

    [Fact]
    public void WhatTheHostRefusesIsSaidAndLeavesNothing()
    {
        using var host = StartHost();
        host.Intercept = static (channel, frame) => Refuse(channel, frame, MessageKind.Allocate, RefusalCode.OverQuota);
        var client = Connect();
        var refused = Assert.Throws<RefusedException>(() => client.Allocate("guest", Bytes));
        Assert.Equal(RefusalCode.OverQuota, refused.Code);
        Assert.Empty(client.Guests);
        host.Intercept = static (channel, frame) => Refuse(channel, frame, MessageKind.Attached, RefusalCode.Invalid);
        Assert.Throws<RefusedException>(() => client.Allocate("guest", Bytes));
        Until.True(() => host.GuestCount == 0, "the guest is given back");
        host.Intercept = null;
        client.Allocate("guest", Bytes);
        Assert.Single(client.Guests);
    }

    [Fact]
    public void TheHostLearnsOfGrowthSharingAndTheEnd()
    {
        using var host = StartHost();
        var client = Connect();
        var guest = client.Allocate("guest", Bytes, new GuestOptions { MaximumBytes = 2 * Bytes, Sharing = false });
        Assert.False(host["guest"].IsSharing);
        guest.Grow(2 * Bytes);
        guest.Sharing = true;
        Assert.Equal(2 * Pages, host["guest"].Pages);
        Assert.True(host["guest"].IsSharing);
        Assert.Equal(2 * Pages, guest.Snapshot().Counters.PagesTotal);
        Write(guest, (2 * Pages) - 1, PageContent.Unique(5));
        Assert.Equal([MergeResult.Done], host["guest"].Merge((2 * Pages) - 1, PageContent.Unique(5)));
        guest.Dispose();
        guest.Dispose();
        Assert.Equal(0, host.GuestCount);
        Assert.Empty(client.Guests);
    }

    [Fact]
    public void AGuestThatIsPinnedIsGivenBackWhenItsPinEnds()
    {
        using var host = StartHost();
        var client = Connect();
        var guest = client.Allocate("guest", Bytes);
        var pin = guest.PinWritable(0, 1);
        guest.Dispose();
        Assert.Equal(1, host.GuestCount);
        pin.Dispose();
        Until.True(() => host.GuestCount == 0, "the guest is given back");
    }

    [Fact]
    public void DisposingTheClientGivesAllGuestsBackAndNothingGoesOn()
    {
        using var host = StartHost();
        var client = Connect();
        var guests = new[] { client.Allocate("a", Bytes), client.Allocate("b", Bytes, "other") };
        client.Dispose();
        client.Dispose();
        Assert.Equal(GuestClientState.Disposed, client.State);
        Assert.Equal(0, host.GuestCount);
        Assert.All(guests, static guest => Assert.Throws<ObjectDisposedException>(() => guest.AsSpan().Length));
        Assert.Throws<ObjectDisposedException>(() => client.Allocate("late", Bytes));
        Until.True(() => host.Connections == 0, "the connection ends");
        Assert.Equal(0, OpenDescriptors.CountOf(host.Prefix + "a"));
    }

    [Fact]
    public void AThousandConnectsLeaveNoDescriptorMappingOrThread()
    {
        using var host = StartHost();
        using (var first = GuestClient.Connect(SocketPath, Options))
        {
            first.Allocate("guest", Bytes);
        }

        Until.True(() => host.Connections == 0, "the connection ends");
        var descriptors = OpenDescriptors.Count;
        var mappings = HostPlatform.Create().CountMappings();
        var threads = Directory.GetDirectories("/proc/self/task").Length;
        for (var i = 0; i < 1000; i++)
        {
            using var client = GuestClient.Connect(SocketPath, Options);
            if (i % 4 == 0)
            {
                Write(client.Allocate("guest", Bytes), 3, PageContent.Unique(i + 1));
            }
        }

        Until.True(() => host.Connections == 0, "the connections end");
        Until.True(() => OpenDescriptors.Count <= descriptors + 3, "all descriptors are closed");
        Assert.True(HostPlatform.Create().CountMappings() < mappings + 100);
        Until.True(() => Directory.GetDirectories("/proc/self/task").Length < threads + 20, "all threads end");
    }

    [Fact]
    public void ManyThreadsAllocateAndFreeThroughOneClient()
    {
        using var host = StartHost();
        var client = Connect();
        Parallel.For(0, 64, i =>
        {
            using var guest = client.Allocate($"guest-{i}", Bytes);
            Write(guest, 1, PageContent.Unique(i + 1));
            Expect(guest, 1, PageContent.Unique(i + 1));
            Assert.Equal(Pages, guest.Snapshot().Counters.PagesTotal);
        });
        Assert.Equal(0, host.GuestCount);
    }

    [Fact]
    public void MemoryAndDescriptorsAreNotForChildren()
    {
        using var host = StartHost();
        var guest = Connect().Allocate("guest", Bytes);
        Write(guest, 0, PageContent.Unique(1));
        host["guest"].Merge(0, PageContent.Unique(1));
        unsafe
        {
            var mappings = ProcessMappings.DetailsOf(guest.Pointer, Bytes);
            Assert.NotEmpty(mappings);
            Assert.All(mappings, static mapping => Assert.Contains("dc", mapping.Flags));
        }

        foreach (var path in Directory.GetFiles("/proc/self/fd"))
        {
            var info = Path.Combine("/proc/self/fdinfo", Path.GetFileName(path));
            if (NameOf(path).Contains(host.Prefix, StringComparison.Ordinal))
            {
                var flags = File.ReadLines(info).First(
                    static line => line.StartsWith("flags:", StringComparison.Ordinal));
                Assert.NotEqual(0, Convert.ToInt64(flags.Split('\t')[1], 8) & 0x80000); // O_CLOEXEC
            }
        }
    }

    /// <summary>What a descriptor is of; nothing if it was another test's and is closed by now.</summary>
    private static string NameOf(string path)
    {
        try
        {
            return File.ResolveLinkTarget(path, false)?.Name ?? "";
        }
        catch (FileNotFoundException)
        {
            return "";
        }
    }

    private static bool Refuse(FrameChannel channel, Frame frame, MessageKind kind, RefusalCode code)
    {
        if (frame.Kind == kind)
        {
            channel.Send(MessageKind.Refused, new Refusal(code, "the test says so"));
        }

        return frame.Kind == kind;
    }
}

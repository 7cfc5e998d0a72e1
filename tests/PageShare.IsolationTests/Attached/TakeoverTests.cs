using PageShare.PageTable;
using PageShare.Platform;
using PageShare.Protocol.Messages;
using PageShare.TestKit;
using PageShare.TestKit.Proof;

namespace PageShare.IsolationTests.Attached;

/// <summary>Hosts that go away, come again, and are followed by others.</summary>
public sealed class TakeoverTests : AttachedTest
{
    private const int Pages = 32;
    private const long Bytes = Pages * PageContent.Bytes;

    [Fact]
    public void AConnectionThatBreaksIsMadeAgainAndTheSameHostGoesOn()
    {
        using var host = StartHost();
        var guest = Connect().Allocate("guest", Bytes);
        Write(guest, 0, PageContent.Unique(1));
        Write(guest, 1, PageContent.Unique(2));
        host["guest"].Merge(0, PageContent.Unique(1));
        for (var i = 1; i <= 20; i++)
        {
            host.Disconnect();
            Until.True(() => host.Resumes.Count >= i && guest.IsAttached, "the guest is attached again");
            Assert.Equal(Pages, guest.Snapshot().Counters.PagesTotal);
        }

        Assert.All(host.Resumes, resume => Assert.Equal(host.Id, resume.FormerHostId));
        Assert.Equal([MergeResult.Done], host["guest"].Merge(1, PageContent.Unique(2)));
        Expect(guest, 0, PageContent.Unique(1));
        Expect(guest, 1, PageContent.Unique(2));
    }

    [Theory, BothModes]
    public void WithoutAHostTheMemoryWorksAndANewHostTakesItOver(FaultMode mode)
    {
        var former = StartHost();
        var client = Connect();
        var guest = client.Allocate(
            "guest", Bytes, new GuestOptions { MaximumBytes = 2 * Bytes, FaultMode = mode });
        for (var page = 0; page < Pages; page++)
        {
            Write(guest, page, PageContent.Unique(page + 1));
        }

        former["guest"].Merge(0, [.. Enumerable.Range(1, Pages / 2).Select(static id => PageContent.Unique(id))]);
        former.Dispose();
        Until.True(() => client.State == GuestClientState.Reconnecting, "the client sees that the host has gone");

        Assert.False(guest.IsAttached);
        Assert.Throws<HostUnavailableException>(guest.Snapshot);
        Assert.Throws<HostUnavailableException>(() => client.Allocate("other", Bytes));
        Write(guest, 3, PageContent.Unique(103)); // breaks are this process's own business
        guest.Grow(2 * Bytes);
        guest.Sharing = false;
        Write(guest, Pages + 5, PageContent.Unique(205));
        ExpectAll(guest);
        Until.True(() => client.Problem?.Contains(SocketPath, StringComparison.Ordinal) != false, "it says why");

        using var host = StartHost();
        Until.True(() => guest.IsAttached, "the new host has taken the guest over");
        var resume = Assert.Single(host.Resumes);
        Assert.Equal(former.Id, resume.FormerHostId);
        Assert.Equal("guest", resume.Name);
        Assert.Equal(2 * Pages, resume.Pages);
        Assert.False(resume.Sharing);
        Assert.Equal([0], resume.StoreGenerations);
        Assert.Equal(1, resume.NextGeneration);
        Assert.Equal(GuestClientState.Connected, client.State);
        Assert.Null(client.Problem);

        // The pages of the former store move to the new one; what is private is merged as ever.
        Assert.Equal([MergeResult.Done], host["guest"].Merge(20, PageContent.Unique(21)));
        Assert.Equal(1, host["guest"].WordOf(20).Generation);
        ExpectAll(guest);
        Assert.NotEqual(0, OpenDescriptors.CountOf(former.Prefix + "store"));
        for (var page = 0; page < Pages / 2; page++)
        {
            if (page != 3)
            {
                Assert.Equal(MergeResult.Done, host["guest"].Move(page, PageContent.Unique(page + 1)));
            }
        }

        if (mode == FaultMode.Kernel)
        {
            guest.EnsureWritable(3 * PageContent.Bytes, 1); // the kernel's copy comes home
        }

        Until.True(() => OpenDescriptors.CountOf(former.Prefix + "store") == 0, "the former store is given up");
        ExpectAll(guest);
        guest.Dispose();
        Assert.Equal(0, OpenDescriptors.CountOf(former.Prefix));
    }

    [Theory, BothModes]
    public void ADozenHostsOneAfterTheOtherEachFindEveryByte(FaultMode mode)
    {
        TestHost? host = null;
        GuestMemory? guest = null;
        for (var turn = 0; turn < 12; turn++)
        {
            var next = StartNext(ref host);
            guest ??= Connect().Allocate("guest", Bytes, new GuestOptions { FaultMode = mode });
            Until.True(() => guest.IsAttached && next.GuestCount == 1, "the host has the guest");
            for (var page = turn * 2; page < (turn * 2) + 2; page++)
            {
                Write(guest, page, PageContent.Unique(page + 1));
                Assert.Equal([MergeResult.Done], next["guest"].Merge(page, PageContent.Unique(page + 1)));
            }
        }

        Assert.Equal(11, host!["guest"].WordOf(23).Generation);
        Assert.True(host.Resumes.Single().StoreGenerations.Count <= 6);
        for (var page = 0; page < 24; page++)
        {
            Expect(guest!, page, PageContent.Unique(page + 1));
        }
    }

    [Fact]
    public void AGuestThatIsRefusedGoesOnAloneAndTheOthersAreTakenOver()
    {
        var former = StartHost();
        var client = Connect();
        var unwanted = client.Allocate("unwanted", Bytes);
        var wanted = client.Allocate("wanted", Bytes);
        Write(unwanted, 0, PageContent.Unique(1));
        former["unwanted"].Merge(0, PageContent.Unique(1));
        former.Dispose();
        Until.True(() => client.State == GuestClientState.Reconnecting, "the client sees that the host has gone");
        using var host = new TestHost(SocketPath)
        {
            Intercept = static (channel, frame) =>
            {
                var isUnwanted = frame.Kind == MessageKind.Resume && frame.Read<ResumeRequest>().Name == "unwanted";
                if (isUnwanted)
                {
                    channel.Send(MessageKind.Refused, new Refusal(RefusalCode.NotAllowed, "not you again"));
                }

                return isUnwanted;
            },
        };
        Until.True(() => wanted.IsAttached, "the wanted guest is taken over");
        Until.True(() => unwanted.Refusal == "not you again", "the other is refused");
        Assert.False(unwanted.IsAttached);
        Assert.Throws<HostUnavailableException>(unwanted.Snapshot);
        Write(unwanted, 0, PageContent.Unique(2));
        Expect(unwanted, 0, PageContent.Unique(2));
        Assert.Equal(Pages, wanted.Snapshot().Counters.PagesTotal);
        client.Dispose();
    }

    [Fact]
    public void AHostThatLacksSomethingForTheMomentIsAskedAgain()
    {
        var former = StartHost();
        var client = Connect();
        var guest = client.Allocate("guest", Bytes);
        former.Dispose();
        Until.True(() => client.State == GuestClientState.Reconnecting, "the client sees that the host has gone");
        var refusals = 0;
        using var host = new TestHost(SocketPath)
        {
            Intercept = (channel, frame) =>
            {
                if (frame.Kind != MessageKind.Resume || ++refusals > 3)
                {
                    return false;
                }

                channel.Send(MessageKind.Refused, new Refusal(RefusalCode.OutOfResources, "no descriptors left"));
                return true;
            },
        };
        Until.True(() => guest.IsAttached, "the guest is taken over in the end");
        Assert.Equal(4, refusals);
        Assert.Null(guest.Refusal);
    }

    [Fact]
    public void AGuestThatIsDisposedWithoutAHostIsGivenBackToTheSameHostLater()
    {
        using var host = StartHost();
        var client = Connect();
        var guest = client.Allocate("guest", Bytes);
        client.Allocate("other", Bytes);
        host.Intercept = static (channel, _) =>
        {
            channel.Shutdown(); // so that nobody gets through
            return true;
        };
        host.Disconnect();
        Until.True(() => client.State == GuestClientState.Reconnecting, "the connection is gone");
        guest.Dispose();
        Assert.Equal(2, host.GuestCount);
        host.Intercept = null;
        Until.True(() => host.GuestCount == 1, "the host learns that it is gone");
    }

    [Fact]
    public void AClientWithoutAHostEndsAtOnce()
    {
        var host = StartHost();
        var client = Connect();
        var guest = client.Allocate("guest", Bytes);
        host.Dispose();
        Until.True(() => client.State == GuestClientState.Reconnecting, "the client sees that the host has gone");
        client.Dispose();
        Assert.Throws<ObjectDisposedException>(() => guest.AsSpan().Length);
    }

    [Theory, BothModes]
    public void WritersNeverNoticeThatHostsComeAndGo(FaultMode mode)
    {
        TestHost? host = null;
        StartNext(ref host);
        var guest = Connect().Allocate("guest", Bytes, new GuestOptions { FaultMode = mode });
        using var writers = new PageWriters(guest, Pages);
        var merged = 0;
        for (var turn = 0; turn < 10; turn++)
        {
            var current = host!;
            Until.True(() => guest.IsAttached && current.GuestCount == 1, "the host has the guest");
            uint[] frames = [.. Enumerable.Range(1, PageWriters.Contents).Select(
                id => current["guest"].Store.Add(PageContent.Unique(id)))];
            for (var i = 0; i < 300; i++)
            {
                merged += current["guest"].Merge(i % Pages, frames[i % frames.Length]) == MergeResult.Done ? 1 : 0;
            }

            StartNext(ref host);
        }

        Assert.Equal(0, writers.End());
        Assert.True(merged > 0);
    }

    /// <summary>Ends the host, if there is one, and starts another at the same socket.</summary>
    private TestHost StartNext(ref TestHost? host)
    {
        host?.Dispose();
        host = StartHost();
        return host;
    }

    private static void ExpectAll(GuestMemory guest)
    {
        for (var page = 0; page < 2 * Pages; page++)
        {
            var content = page switch
            {
                3 => PageContent.Unique(103),
                Pages + 5 => PageContent.Unique(205),
                >= Pages => PageContent.Zero,
                _ => PageContent.Unique(page + 1),
            };
            Expect(guest, page, content);
        }
    }
}

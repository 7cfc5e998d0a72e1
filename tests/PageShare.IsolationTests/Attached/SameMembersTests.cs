using System.Net.Sockets;
using PageShare.TestKit;

namespace PageShare.IsolationTests.Attached;

/// <summary>
/// What a program does with its memory is the same whether the engine is in its process or behind a socket: the same
/// bodies for both kinds.
/// </summary>
public sealed unsafe class SameMembersTests : AttachedTest
{
    private const int Pages = 16;
    private const long Bytes = Pages * PageContent.Bytes;

    public static TheoryData<bool, FaultMode> Kinds => new()
    {
        { false, FaultMode.Signal }, { false, FaultMode.Kernel },
        { true, FaultMode.Signal }, { true, FaultMode.Kernel },
    };

    [Theory, MemberData(nameof(Kinds))]
    public void ItTellsWhatItIs(bool isAttached, FaultMode mode)
    {
        var guest = Make(isAttached, mode);
        Assert.Equal("guest", guest.Name);
        Assert.Equal("tenant", guest.Domain);
        Assert.Equal(mode, guest.FaultMode);
        Assert.Equal(Bytes, guest.Length);
        Assert.Equal(2 * Bytes, guest.MaximumLength);
        Assert.True(guest.Sharing);
        guest.Sharing = false;
        Assert.False(guest.Sharing);
        Assert.Equal(Pages, guest.Snapshot().Counters.PagesTotal);
        Assert.False(guest.Snapshot().Sharing);
    }

    [Theory, MemberData(nameof(Kinds))]
    public void EveryWayToTheBytesShowsTheSame(bool isAttached, FaultMode mode)
    {
        var guest = Make(isAttached, mode);
        guest.Pointer[0] = 1;
        guest.AsSpan()[1] = 2;
        guest.AsSpan(2, 1)[0] = 3;
        guest.AsMemory(3, 1).Span[0] = 4;
        using (var handle = guest.AsMemory(4, 1).Pin())
        {
            *(byte*)handle.Pointer = 5;
        }

        Assert.Equal([1, 2, 3, 4, 5, 0], guest.AsSpan(0, 6).ToArray());
        Assert.False(guest.AsSpan(6, (int)Bytes - 6).ContainsAnyExcept((byte)0));
    }

    [Theory, MemberData(nameof(Kinds))]
    public void WhatLiesOutsideIsRefused(bool isAttached, FaultMode mode)
    {
        var guest = Make(isAttached, mode);
        foreach (var (offset, length) in new[] { (-1L, 1), (Bytes, 1), (Bytes - 1, 2), (0, -1), (long.MaxValue, 1) })
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => guest.AsSpan(offset, length).Length);
            Assert.Throws<ArgumentOutOfRangeException>(() => guest.AsMemory(offset, length));
            Assert.Throws<ArgumentOutOfRangeException>(() => guest.PinWritable(offset, length));
            Assert.Throws<ArgumentOutOfRangeException>(() => guest.EnsureWritable(offset, length));
        }

        foreach (var size in new[] { 0, -4096, Bytes - 4096, Bytes + 1, (2 * Bytes) + 4096, long.MaxValue })
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => guest.Grow(size));
        }
    }

    [Theory, MemberData(nameof(Kinds))]
    public void ItGrowsInPlace(bool isAttached, FaultMode mode)
    {
        var guest = Make(isAttached, mode);
        Write(guest, Pages - 1, PageContent.Unique(1));
        var start = (nint)guest.Pointer;
        guest.Grow(Bytes);
        guest.Grow(Bytes + PageContent.Bytes);
        guest.Grow(2 * Bytes);
        Assert.Equal(start, (nint)guest.Pointer);
        Assert.Equal(2 * Bytes, guest.Length);
        Expect(guest, Pages - 1, PageContent.Unique(1));
        Expect(guest, (2 * Pages) - 1, PageContent.Zero);
        Write(guest, (2 * Pages) - 1, PageContent.Unique(2));
        Expect(guest, (2 * Pages) - 1, PageContent.Unique(2));
    }

    [Theory, MemberData(nameof(Kinds))]
    public void SystemCallsReadAndWriteIt(bool isAttached, FaultMode mode)
    {
        var guest = Make(isAttached, mode);
        using var folder = new TemporaryFolder();
        using var file = File.OpenHandle(folder.Write("bytes", [7, 8, 9]));
        Assert.Equal(3, guest.ReadFrom(file, 0, PageContent.Bytes - 1, 100));
        Assert.Equal([7, 8, 9], guest.AsSpan(PageContent.Bytes - 1, 3).ToArray());
        using var pair = new UnixSocketPair();
        pair.One.Send(guest.AsSpan(PageContent.Bytes - 1, 3));
        Assert.Equal(3, guest.ReceiveFrom(pair.Other, 5 * PageContent.Bytes, 10, SocketFlags.None));
        Assert.Equal([7, 8, 9], guest.AsSpan(5 * PageContent.Bytes, 3).ToArray());
    }

    [Theory, MemberData(nameof(Kinds))]
    public void PinsKeepTheMemoryAndEndOnce(bool isAttached, FaultMode mode)
    {
        var guest = Make(isAttached, mode);
        Write(guest, 2, PageContent.Unique(5));
        var start = guest.Pointer;
        var page = start + (2 * PageContent.Bytes);
        var pin = guest.PinWritable(2 * PageContent.Bytes, PageContent.Bytes);
        guest.Dispose();
        Assert.True(PageContent.Unique(5).IsIn(new ReadOnlySpan<byte>(page, PageContent.Bytes)));
        start[0] = 1;
        pin.Dispose();
        pin.Dispose();
    }

    [Theory, MemberData(nameof(Kinds))]
    public void EveryUseAfterDisposeIsRefused(bool isAttached, FaultMode mode)
    {
        var guest = Make(isAttached, mode);
        var memory = guest.AsMemory(0, 10);
        using var file = File.OpenHandle("/dev/zero");
        guest.Dispose();
        guest.Dispose();
        Assert.Throws<ObjectDisposedException>(() => (nint)guest.Pointer);
        Assert.Throws<ObjectDisposedException>(() => guest.AsSpan().Length);
        Assert.Throws<ObjectDisposedException>(() => memory.Span.Length);
        Assert.Throws<ObjectDisposedException>(() => guest.Grow(2 * Bytes));
        Assert.Throws<ObjectDisposedException>(() => guest.PinWritable(0, 1));
        Assert.Throws<ObjectDisposedException>(() => guest.EnsureWritable(0, 1));
        Assert.Throws<ObjectDisposedException>(guest.Unshare);
        Assert.Throws<ObjectDisposedException>(() => guest.ReadFrom(file, 0, 0, 1));
        Assert.Throws<ObjectDisposedException>(guest.Snapshot);
        Assert.Equal("guest", guest.Name);
        Assert.Equal(Bytes, guest.Length);
    }

    private MappedGuest Make(bool isAttached, FaultMode mode)
    {
        var options = new GuestOptions { Domain = "tenant", FaultMode = mode, MaximumBytes = 2 * Bytes };
        if (!isAttached)
        {
            return Own(TestEngine.Start(mode)).Engine.CreateGuest("guest", Bytes, options);
        }

        Own(StartHost());
        return Connect().Allocate("guest", Bytes, options);
    }
}

using PageShare.TestKit;
using PageShare.TestKit.Proof;

namespace PageShare.ContractTests.Guests;

/// <summary>Use after the end, exclusion, and what pins keep.</summary>
public sealed unsafe class GuestLifeTests : EngineTest
{
    private const int Pages = 16;

    [Theory, BothModes]
    public void EveryUseAfterDisposeIsRefused(FaultMode mode)
    {
        var engine = Start(mode);
        var guest = engine.AddGuest("guest", Pages).Guest;
        var memory = guest.AsMemory(0, 10);
        using var file = File.OpenHandle("/dev/zero");
        guest.Dispose();
        guest.Dispose(); // which is no use
        Assert.Throws<ObjectDisposedException>(() => (nint)guest.Pointer);
        Assert.Throws<ObjectDisposedException>(() => guest.AsSpan().Length);
        Assert.Throws<ObjectDisposedException>(() => guest.AsSpan(0, 1).Length);
        Assert.Throws<ObjectDisposedException>(() => memory.Span.Length);
        Assert.Throws<ObjectDisposedException>(() => memory.Pin());
        Assert.Throws<ObjectDisposedException>(() => guest.Grow(2 * Pages * PageContent.Bytes));
        Assert.Throws<ObjectDisposedException>(() => guest.PinWritable(0, 1));
        Assert.Throws<ObjectDisposedException>(() => guest.EnsureWritable(0, 1));
        Assert.Throws<ObjectDisposedException>(guest.Unshare);
        Assert.Throws<ObjectDisposedException>(() => guest.ReadFrom(file, 0, 0, 1));
        Assert.Throws<ObjectDisposedException>(guest.Snapshot);
        Assert.Equal("guest", guest.Name); // what was immutable can still be asked
        Assert.Equal("default", guest.Domain);
        Assert.Equal(mode, guest.FaultMode);
    }

    [Fact]
    public void EveryUseOfAnEngineAfterDisposeIsRefused()
    {
        var engine = Start(FaultMode.Signal);
        var guest = engine.AddGuest("guest", Pages).Guest;
        engine.Engine.Dispose();
        engine.Engine.Dispose();
        Assert.Throws<ObjectDisposedException>(() => engine.Engine.CreateGuest("late", PageContent.Bytes));
        Assert.Throws<ObjectDisposedException>(() => engine.Scan());
        Assert.Throws<ObjectDisposedException>(engine.Engine.Snapshot);
        Assert.Throws<ObjectDisposedException>(() => guest.AsSpan().Length);
        Assert.Empty(engine.Engine.Guests);
    }

    [Theory, BothModes]
    public void DisposeWhilePinnedKeepsTheMemoryUntilThePinEnds(FaultMode mode)
    {
        var engine = Start(mode);
        var guest = engine.AddGuest("guest", Pages, static page => PageContent.Unique(page + 1));
        var other = engine.AddGuest("other", Pages, static page => PageContent.Unique(page + 1));
        engine.Converge();
        var start = guest.AddressOf(0);
        var pin = guest.Guest.PinWritable(0, PageContent.Bytes);
        var second = guest.Guest.PinWritable(5 * PageContent.Bytes, 1);

        guest.Guest.Dispose();

        Assert.Contains("pageshare-guest:guest", MemoryObjects.Names);
        start[10] = 99; // I/O that is under way
        for (var page = 1; page < Pages; page++)
        {
            other.Write(page, PageContent.Unique(page + 5000)); // frames are kept for the pages that show them
        }

        engine.Scan();
        engine.Scan();
        for (var page = 1; page < Pages; page++)
        {
            var bytes = new ReadOnlySpan<byte>(start + (page * PageContent.Bytes), PageContent.Bytes);
            Assert.True(PageContent.Unique(page + 1).IsIn(bytes));
        }

        pin.Dispose();
        pin.Dispose(); // a pin ends once
        Assert.Equal(99, start[10]);
        second.Dispose();
        Assert.DoesNotContain("pageshare-guest:guest", MemoryObjects.Names);
        engine.VerifyAll();
    }

    [Theory, BothModes]
    public void PinsOutliveTheEngine(FaultMode mode)
    {
        var engine = Start(mode);
        var guest = engine.AddGuest("guest", Pages, static page => PageContent.Unique(page + 1));
        var start = guest.AddressOf(0);
        var pin = guest.Guest.PinWritable(0, PageContent.Bytes);
        engine.Engine.Dispose();
        Assert.True(PageContent.Unique(1).IsIn(new ReadOnlySpan<byte>(start, PageContent.Bytes)));
        start[0]++;
        pin.Dispose();
        Assert.Empty(MemoryObjects.Names);
    }

    [Theory, BothModes]
    public void AGuestWithoutSharingIsLeftAlone(FaultMode mode)
    {
        var engine = Start(mode);
        var excluded = engine.AddGuest(
            "excluded",
            Pages,
            static page => page == 0 ? PageContent.Zero : PageContent.Of('x'),
            new GuestOptions { Sharing = false });
        engine.AddGuest("first", Pages, static _ => PageContent.Of('x'));
        engine.Converge();
        Assert.Equal(0, PageWordText.CountSharing(excluded.Guest));
        Assert.Equal(Pages, MemoryObjects.PagesOf("pageshare-guest:excluded"));
        Assert.False(excluded.Guest.Snapshot().Sharing);
        Assert.Equal(Pages - 1, engine.Totals.PagesSharing);

        excluded.Guest.Sharing = true;
        engine.Converge();
        Assert.Equal((2 * Pages) - 2, engine.Totals.PagesSharing);

        excluded.Guest.Sharing = false; // what is shared stays so until it is written
        engine.Converge();
        Assert.Equal((2 * Pages) - 2, engine.Totals.PagesSharing);
        excluded.Write(3, 3, 3);
        excluded.Write(3, PageContent.Of('x'));
        excluded.Guest.EnsureWritable(4 * PageContent.Bytes, PageContent.Bytes);
        engine.Converge();
        var left = (2 * Pages) - (mode == FaultMode.Signal ? 4 : 3); // Kernel: page 3 is equal again, its copy dropped
        Assert.Equal(left, engine.Totals.PagesSharing);

        excluded.Guest.Unshare();
        engine.Converge();
        Assert.Equal(0, PageWordText.CountSharing(excluded.Guest));
        engine.VerifyAll();
    }

    [Theory, BothModes]
    public void EnsureWritableBreaksItsRangeAndNothingElse(FaultMode mode)
    {
        var engine = Start(mode);
        var guest = engine.AddGuest("guest", Pages, static page => PageContent.Unique(page + 1));
        engine.AddGuest("other", Pages, static page => PageContent.Unique(page + 1));
        engine.Converge();
        guest.Guest.EnsureWritable((4 * PageContent.Bytes) - 1, 2); // the last byte of one page, the first of the next
        for (var page = 0; page < Pages; page++)
        {
            Assert.Equal(page is not (3 or 4), PageTable.PageStates.IsShared(EngineBooks.StateOf(guest, page)));
        }

        Assert.Equal(0, engine.Totals.CowFaults); // nobody faulted
        engine.VerifyAll();
        Assert.Equal(2, engine.Converge()); // it promises nothing about later passes
    }

    [Theory, BothModes]
    public void WhatWasWrittenBeforeABreakOrAPinIsKept(FaultMode mode)
    {
        var engine = Start(mode);
        var guest = engine.AddGuest("guest", Pages, static page => PageContent.Unique(page + 1));
        engine.AddGuest("other", Pages, static page => PageContent.Unique(page + 1));
        engine.Converge();
        for (var page = 0; page < Pages; page++)
        {
            guest.Write(page, 100 + page, (byte)(page + 1)); // in Kernel mode these are the kernel's copies as yet
        }

        guest.Guest.EnsureWritable(0, 4 * PageContent.Bytes);
        using (guest.Guest.PinWritable(4 * PageContent.Bytes, 4 * PageContent.Bytes))
        {
            engine.VerifyAll();
        }

        guest.Guest.Unshare();
        engine.VerifyAll();
        engine.Converge();
        engine.VerifyAll();
    }

    [Theory, BothModes]
    public void TwoEnginesLiveSideBySide(FaultMode mode)
    {
        var engines = new[] { Start(mode), Start(mode) };
        foreach (var engine in engines)
        {
            engine.AddGuest("first", Pages, static page => PageContent.Unique(page + 1));
            engine.AddGuest("second", Pages, static page => PageContent.Unique(page + 1));
            engine.Converge();
            Assert.Equal(Pages, engine.Totals.PagesSharing);
        }

        Assert.Equal(2 * Pages, MemoryObjects.AllPages); // each shares for itself alone
        engines[0].Guests[0].Write(3, 3, 3);
        engines[1].Guests[0].Write(3, 3, 4);
        engines[0].Verify();
        engines[1].Verify();
        engines[0].Dispose();
        engines[1].Guests[1].Write(5, 5, 5);
        engines[1].Converge();
        engines[1].VerifyAll();
    }

    [Theory, BothModes]
    public void UnshareGivesOneGuestItsCopiesBackAndLeavesTheOthers(FaultMode mode)
    {
        var engine = Start(mode);
        var guests = new[] { "first", "second", "third" }
            .Select(name => engine.AddGuest(name, Pages, static page => PageContent.Unique(page + 1))).ToArray();
        engine.Converge();
        guests[0].Guest.Unshare();
        Assert.Equal(0, PageWordText.CountSharing(guests[0].Guest));
        Assert.Equal(Pages, engine.Totals.PagesSharing);
        Assert.Equal(2 * Pages, MemoryObjects.AllPages);
        engine.VerifyAll();
    }

    [Fact]
    public void GuestsAreListedInOrderOfCreationAndLeaveTheList()
    {
        var engine = Start(FaultMode.Signal);
        var guests = Enumerable.Range(0, 5).Select(i => engine.AddGuest($"guest-{i}", 1).Guest).ToList();
        Assert.Equal(guests, engine.Engine.Guests);
        guests[2].Dispose();
        guests.RemoveAt(2);
        Assert.Equal(guests, engine.Engine.Guests);
        Assert.Equal(
            guests.Select(static guest => guest.Name),
            engine.Engine.Snapshot().Guests.Select(static guest => guest.Name));
    }
}

using System.Runtime.InteropServices;
using PageShare.Platform;
using PageShare.TestKit;
using PageShare.TestKit.Rings;

namespace PageShare.ContractTests.Isolated;

/// <summary>A guest behind a ring has what a guest of this process has: growth, zero pages, unsharing, budgets,
/// counters.</summary>
public sealed unsafe class RingGuestTests : EngineTest
{
    private const int Pages = 900;

    [Theory, BothModes]
    public void ZeroPagesBecomeHolesAndCountAsSuch(FaultMode mode)
    {
        var engine = Start(mode);
        var pair = engine.AddRingGuest("zero", Pages, static _ => PageContent.Zero);
        engine.Converge();
        Assert.Equal(Pages, engine.Totals.ZeroPages);
        Assert.Equal(0, pair.Host.Region.Backing.AllocatedBytes);
        engine.VerifyAll();
    }

    [Theory, BothModes]
    public void PagesThatTheKernelCopiedAreToldFromThoseThatShareUntilTheyAreBroughtHome(FaultMode mode)
    {
        var (engine, one, _) = StartShared(mode);
        one.Oracle.Write(5, PageContent.Unique(50_000));
        one.Oracle.Write(6, PageContent.Unique(50_001));
        _ = engine.Totals; // counts what was broken
        var kinds = new char[Pages];
        Assert.Equal(Pages, one.Host.ReadKinds(0, kinds));
        Assert.Equal(mode == FaultMode.Kernel ? 2 : 0, kinds.Count(static kind => kind == 'c'));
        Assert.Equal(mode == FaultMode.Kernel ? 'c' : 'v', kinds[5]);
        Assert.Equal('s', kinds[7]);
        Until.True(
            () =>
            {
                engine.Scan();
                _ = one.Host.ReadKinds(0, kinds);
                return !kinds.Contains('c');
            },
            "copies are brought home");
        engine.VerifyAll();
    }

    [Theory, BothModes]
    public void AGuestThatGrowsSharesItsNewPages(FaultMode mode)
    {
        var engine = Start(mode);
        var pair = engine.AddRingGuest("grows", Pages, static page => PageContent.Unique(1 + page), maximumPages: 4 * Pages);
        engine.Converge();
        pair.Guest.Grow(3L * Pages * PageContent.Bytes);
        Assert.Equal(3 * Pages, pair.Host.Pages);
        pair.Oracle.WriteAll(static page => PageContent.Unique(1 + (page % Pages)));
        engine.Converge();
        Assert.Equal(2 * Pages, engine.Totals.PagesSharing);
        engine.VerifyAll();
        Assert.Throws<ArgumentOutOfRangeException>(() => pair.Host.Grow(Pages));
        Assert.Throws<ArgumentOutOfRangeException>(() => pair.Host.Grow((4 * Pages) + 1));
    }

    [Theory, BothModes]
    public void UnsharingGivesAllPagesCopiesOfTheirOwnAndSharingCanBeOff(FaultMode mode)
    {
        var (engine, one, two) = StartShared(mode);
        one.Host.Sharing = false;
        Assert.True(one.Host.Unshare());
        engine.Scan();
        Assert.Equal(0, engine.Totals.PagesSharing);
        engine.Converge();
        Assert.Equal(0, engine.Totals.PagesSharing);
        one.Host.Sharing = true;
        engine.Converge();
        Assert.Equal(Pages, engine.Totals.PagesSharing);
        engine.Engine.UnshareAll();
        two.Oracle.Verify();
        engine.VerifyAll();
    }

    [Theory, BothModes]
    public void ADetachedGuestKeepsWhatItSharesAndItsBreaksAreNoticed(FaultMode mode)
    {
        var (engine, one, _) = StartShared(mode);
        one.Host.Detach();
        Assert.Equal(IsolatedState.Detached, one.Host.State);
        engine.Scan();
        Assert.Equal(Pages, engine.Totals.PagesSharing);
        Assert.Equal(1, engine.Engine.Snapshot().GuestsLost);
        Assert.False(one.Host.Unshare());
        one.Oracle.WriteAll(static page => PageContent.Unique(50_000 + page));
        if (mode == FaultMode.Signal)
        {
            engine.Scan();
            Assert.Equal(0, engine.Totals.PagesSharing);
        }

        one.Host.Attach();
        one.Oracle.WriteAll(static page => PageContent.Unique(1 + page));
        engine.Converge();
        Assert.Equal(Pages, engine.Totals.PagesSharing);
        engine.VerifyAll();
    }

    [Theory, BothModes]
    public void BreaksAreCountedOnceAndCpuTimeOfTheAgentCounts(FaultMode mode)
    {
        var (engine, one, _) = StartShared(mode);
        for (var page = 0; page < Pages; page++)
        {
            one.Oracle.Write(page, 50, (byte)(page + 1));
            one.Oracle.Write(page, 51, (byte)(page + 1));
        }

        // In Kernel mode they are counted when the agent has told of them.
        var least = mode == FaultMode.Kernel ? Pages : 1;
        Until.True(
            () => engine.Scan().Completed && one.Host.Snapshot().Counters.CowFaults >= least, "breaks are counted");
        Assert.InRange(one.Host.Snapshot().Counters.CowFaults, least, Pages);
        Assert.True(one.Host.Snapshot().Counters.ScanCpuSeconds > 0);
        engine.VerifyAll();
    }

    [Fact]
    public void EachProcessHasABudgetOfMappingsOfItsOwn()
    {
        // Runs of one page each: two mappings a page.
        var engine = Start(TestEngine.Defaults with { MappingBudget = 400 });
        engine.AddRingGuest("one", Pages, Odd(0), processId: 1);
        engine.AddRingGuest("two", Pages, Odd(1000), processId: 2);
        engine.AddRingGuest("three", Pages, Odd(2000), processId: 2);
        engine.Converge();
        var now = engine.Engine.Snapshot();
        Assert.All(now.Guests, static guest => Assert.Equal(400, guest.Counters.MappingsLimit));
        Assert.InRange(now.Guests[0].Counters.MappingsUsed, 100, 400);
        Assert.InRange(now.Guests[1].Counters.MappingsUsed + now.Guests[2].Counters.MappingsUsed, 100, 400);
        engine.VerifyAll();
    }

    [Fact]
    public void AProcessWithoutAHandlerIsUnsharedAndTheOthersGoOn()
    {
        var (engine, one, two) = StartShared(FaultMode.Signal);
        engine.AddGuest("here", Pages, static page => PageContent.Unique(1 + page));
        engine.Converge();
        one.Host.Region.HandlerWasReplaced = true; // as its agent would say
        engine.Converge();
        Assert.Equal(Pages, engine.Totals.PagesSharing);
        Assert.Equal(0, one.Host.Snapshot().Counters.PagesShared + one.Host.Snapshot().Counters.PagesSharing);
        Assert.Contains(engine.Engine.Snapshot().Warnings, static text => text.Contains("'one'", StringComparison.Ordinal));
        two.Oracle.Verify();
        engine.VerifyAll();
    }

    [Fact]
    public void FreeFramesThatAGuestHasReadAreGivenBack()
    {
        var (engine, one, _) = StartShared(FaultMode.Signal);
        engine.Engine.UnshareAll();
        engine.Scan();
        var store = one.Host.Descriptors.Store;
        var length = one.Host.StoreBytes;
        using var view = HostPlatform.Create().Map((MemoryObject)store, length, writable: false);
        Assert.Equal(0, StoreBytes(engine));
        var sum = 0L;
        for (var page = 0; page < Pages; page++)
        {
            sum += view.Address[(long)page * PageContent.Bytes]; // SAFETY: the store has grown that far
        }

        Assert.Equal(0, sum);
        Assert.Equal(Pages * PageContent.Bytes, StoreBytes(engine));
        engine.Scan();
        Assert.True(StoreBytes(engine) <= engine.Totals.PagesShared * PageContent.Bytes);
    }

    [Fact]
    public void WhatAGuestIsGivenCannotBeMadeSmallerOrLargerAndOthersCannotOpenIt()
    {
        var (_, one, _) = StartShared(FaultMode.Signal);
        var all = one.Host.Descriptors;
        foreach (var handle in new[] { all.Backing, all.Table, all.Ring })
        {
            var number = (int)handle.DangerousGetHandle();
            Assert.Equal(-1, Mono.Unix.Native.Syscall.ftruncate(number, PageContent.Bytes));
            Assert.Equal(-1, Mono.Unix.Native.Syscall.ftruncate(number, 1L << 40));
            OthersMayNotOpen(handle);
        }

        OthersMayNotOpen(all.Store);
        using var file = RingGuest.OpenAnew($"/proc/self/fd/{(int)all.Store.DangerousGetHandle()}", isWritten: false);
        Assert.Throws<UnauthorizedAccessException>(() => RandomAccess.Write(file, new byte[1], 0));
    }

    [Fact]
    public void AnEngineThatEndsLeavesItsStoreToTheGuestsThatRunOn()
    {
        var (engine, one, two) = StartShared(FaultMode.Signal);
        engine.AddGuest("here", Pages, static page => PageContent.Unique(1 + page));
        engine.Converge();
        engine.Engine.Dispose();
        one.Oracle.Verify();
        two.Oracle.Verify();
        one.Oracle.Write(3, 3, 3);
        one.Oracle.Verify();
        Assert.Equal(IsolatedState.Disposed, one.Host.State);
    }

    private static void OthersMayNotOpen(SafeHandle handle)
    {
        Assert.Equal(0, Mono.Unix.Native.Syscall.fstat((int)handle.DangerousGetHandle(), out var status));
        Assert.Equal(
            Mono.Unix.Native.FilePermissions.S_IRUSR | Mono.Unix.Native.FilePermissions.S_IWUSR,
            status.st_mode & Mono.Unix.Native.FilePermissions.ALLPERMS);
    }

    private static long StoreBytes(TestEngine engine)
    {
        lock (engine.Engine.Registry.Gate)
        {
            return engine.Engine.Registry.Domains.Sum(static domain => domain.Store.AllocatedBytes);
        }
    }

    /// <summary>Every other page has an equal in the same guest, far away; those between have none.</summary>
    private static Func<long, PageContent> Odd(long from) =>
        page => PageContent.Unique(1 + from + (page % 2 == 0 ? 100_000 + page : page * 7919 % 450));

    private (TestEngine Engine, RingPair One, RingPair Two) StartShared(FaultMode mode)
    {
        var engine = Start(mode);
        var one = engine.AddRingGuest("one", Pages, static page => PageContent.Unique(1 + page), processId: 1);
        var two = engine.AddRingGuest("two", Pages, static page => PageContent.Unique(1 + page), processId: 2);
        engine.Converge();
        Assert.Equal(Pages, engine.Totals.PagesSharing);
        return (engine, one, two);
    }
}

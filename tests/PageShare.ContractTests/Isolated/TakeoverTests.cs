using PageShare.Platform;
using PageShare.TestKit;
using PageShare.TestKit.Points;
using PageShare.TestKit.Rings;

namespace PageShare.ContractTests.Isolated;

/// <summary>A new host takes guests over from one that is gone, and trusts nothing that they hand over.</summary>
public sealed unsafe class TakeoverTests : EngineTest
{
    private const int Pages = 1300;

    [Theory, BothModes]
    public void PagesMoveToTheNewStoreAndTheOldOneGoes(FaultMode mode)
    {
        var (old, orphans) = StartOrphans(mode);
        var heir = Start(mode);
        var pairs = orphans.Select(orphan => heir.TakeOver(orphan)).ToArray();
        Assert.All(pairs, static pair => Assert.Equal(Pages, pair.Host.PagesToMove));
        Assert.All(pairs, static pair => Assert.Equal(IsolatedState.Moving, pair.Host.State));

        PassesUntil(heir, () => pairs.All(static pair => pair.Host.PagesToMove == 0));

        Assert.Equal(Pages, heir.Totals.PagesSharing);
        Assert.Equal(0, pairs.Sum(static pair => pair.Host.Snapshot().Counters.MergesAbandoned));
        heir.VerifyAll();
        old.Verify();
        foreach (var pair in pairs)
        {
            for (var page = 0; page < Pages; page += 3)
            {
                pair.Oracle.Write(page, 7, (byte)page);
            }
        }

        heir.VerifyAll();
    }

    [Theory, BothModes]
    public void PagesWrittenBetweenTheHostsAreMergedAsAnyOther(FaultMode mode)
    {
        var (_, orphans) = StartOrphans(mode);
        for (var page = 0; page < Pages; page += 2)
        {
            orphans[0].Oracle.Write(page, 100, 77);
            orphans[1].Oracle.Write(page, 100, 77);
        }

        var heir = Start(mode);
        var pairs = orphans.Select(orphan => heir.TakeOver(orphan)).ToArray();
        PassesUntil(heir, () => pairs.All(static pair => pair.Host.PagesToMove == 0)
            && heir.Totals.PagesSharing == Pages);
        heir.VerifyAll();
    }

    [Theory, BothModes]
    public void AStoreThatIsNotWhatPagesShowIsNoticedAndTheirBytesStay(FaultMode mode)
    {
        var (_, orphans) = StartOrphans(mode);
        var heir = Start(mode);
        var forged = HostPlatform.Create().CreateMemoryObject("forged", Pages * PageContent.Bytes);
        FillWithLies(forged);
        var pairs = orphans.Select((orphan, i) => heir.TakeOver(orphan, spec => i == 0 ? spec with
        {
            Stores = [new FormerStore(0, RingGuest.OpenAnew($"/proc/self/fd/{forged.Descriptor}", isWritten: false))],
        } : spec)).ToArray();
        forged.Dispose();
        PassesUntil(heir, () => pairs.All(static pair => pair.Host.PagesToMove == 0)
            && heir.Totals.PagesSharing == Pages);
        heir.VerifyAll();
    }

    [Theory, BothModes]
    public void PagesOfAStoreThatWasNotHandedOverGetCopiesOfTheirOwn(FaultMode mode)
    {
        var (_, orphans) = StartOrphans(mode);
        var heir = Start(mode);
        var pairs = orphans.Select(orphan => heir.TakeOver(orphan, static spec => spec with { Stores = [] })).ToArray();
        PassesUntil(heir, () => pairs.All(static pair => pair.Host.PagesToMove == 0)
            && heir.Totals.PagesSharing == Pages);
        heir.VerifyAll();
    }

    [Theory, BothModes]
    public void AGuestThatIsStoppedThroughATakeoverKeepsItsBytesWhileOthersMerge(FaultMode mode)
    {
        var (_, orphans) = StartOrphans(mode);
        var heir = Start(mode);
        var quick = heir.TakeOver(orphans[0]);
        for (var round = 0; round < 10; round++)
        {
            quick.Oracle.WriteAll(page => PageContent.Unique(1 + page + (10_000 * round)));
            heir.Converge();
        }

        orphans[1].Oracle.Verify();
        var slow = heir.TakeOver(orphans[1]);
        PassesUntil(heir, () => slow.Host.PagesToMove == 0);
        heir.VerifyAll();
    }

    [Theory, BothModes]
    public void OneHostAfterTheOtherTakesOverAndGenerationsGoUp(FaultMode mode)
    {
        var (_, pairs) = StartOrphans(mode);
        for (var host = 1; host <= 4; host++)
        {
            var heir = Start(mode);
            pairs = [.. pairs.Select(pair => heir.TakeOver(pair))];
            if (host % 2 == 0)
            {
                PassesUntil(heir, () => pairs.All(static pair => pair.Host.PagesToMove == 0));
            }
            else
            {
                heir.Scan(); // begun, not necessarily ended
            }

            heir.Verify();
            if (host < 4)
            {
                heir.Engine.Dispose();
            }
        }

        Assert.All(pairs, static pair => pair.Oracle.Verify());
    }

    [Theory, BothModes]
    public void AnOrderToMoveThatIsAnsweredLateIsEnteredLate(FaultMode mode)
    {
        var (_, orphans) = StartOrphans(mode);
        var heir = Start(mode);
        var pairs = orphans.Select(orphan => heir.TakeOver(orphan)).ToArray();
        using (Gate.Stop(TestPoint.OrderDone, page: 512))
        {
            PassesUntil(heir, () => pairs.Any(static pair => pair.Host.State == IsolatedState.Late));
        }

        PassesUntil(heir, () => pairs.All(static pair => pair.Host.PagesToMove == 0)
            && heir.Totals.PagesSharing == Pages);
        heir.VerifyAll();
    }

    [Fact]
    public void WhatIsNoSealedMemoryOfTheRightSizeIsRefused()
    {
        var (_, orphans) = StartOrphans(FaultMode.Signal);
        var heir = Start(FaultMode.Signal);
        var platform = HostPlatform.Create();
        using var folder = new TemporaryFolder();
        using var growing = platform.CreateMemoryObject("growing", Pages * PageContent.Bytes);
        using var small = platform.BetweenProcesses!.CreateSealed("small", PageContent.Bytes);
        var file = folder.Write("file", new byte[Pages * PageContent.Bytes]);
        string[] wrong = [file, "/dev/null", $"/proc/self/fd/{growing.Descriptor}", $"/proc/self/fd/{small.Descriptor}"];
        foreach (var path in wrong)
        {
            Refuses(spec => spec with { Backing = RingGuest.OpenAnew(path) });
            Refuses(spec => spec with { Table = RingGuest.OpenAnew(path) });
        }

        Refuses(spec => spec with { Stores = [new FormerStore(0, RingGuest.OpenAnew(file, isWritten: false))] });
        Refuses(static spec => spec with { NextGeneration = 0 });
        Refuses(static spec => spec with { NextGeneration = 256 });
        Refuses(spec => spec with { Stores = [new FormerStore(1, RingGuest.OpenAnew(file, isWritten: false))] });
        Assert.Empty(heir.Engine.IsolatedGuests);

        void Refuses(Func<ResumeSpec, ResumeSpec> change)
        {
            var spec = orphans[0].Guest.HandOver();
            Assert.Throws<UntrustedMemoryException>(() => heir.Engine.ResumeIsolated(change(spec)));
            spec.CloseDescriptors();
        }
    }

    /// <summary>Two guests that share all their pages, and whose host is gone.</summary>
    private (TestEngine Old, RingPair[] Orphans) StartOrphans(FaultMode mode)
    {
        var old = Start(mode);
        RingPair[] orphans =
        [
            old.AddRingGuest("one", Pages, static page => PageContent.Unique(1 + page)),
            old.AddRingGuest("two", Pages, static page => PageContent.Unique(1 + page)),
        ];
        old.Converge();
        Assert.Equal(Pages, old.Totals.PagesSharing);
        old.Engine.Dispose();
        old.Verify();
        return (old, orphans);
    }

    private static void FillWithLies(MemoryObject store)
    {
        var lie = new byte[PageContent.Bytes];
        for (var page = 0; page < Pages; page++)
        {
            PageContent.Unique(1_000_000 + page).WriteTo(lie);
            fixed (byte* bytes = lie)
            {
                // SAFETY: a page, read during the call.
                Assert.True(store.TryWrite(page * PageContent.Bytes, bytes, lie.Length));
            }
        }
    }

    private static void PassesUntil(TestEngine engine, Func<bool> isSo) =>
        Until.True(() => engine.Scan().Completed && isSo(), "it is so after some passes");
}

using PageShare.Merge;
using PageShare.PageTable;
using PageShare.Platform;
using PageShare.TestKit;
using PageShare.TestKit.Proof;

namespace PageShare.ContractTests;

/// <summary>Kernel mode, when mappings are short: copies in the middle of a run stay where the kernel made
/// them.</summary>
public sealed class OverlayTests : EngineTest
{
    private const int Pages = 1200;
    private const int Budget = 20;

    // Far more than there are mappings to cut runs around.
    private const int Distance = 10;
    private const int Written = (Pages / Distance) - 1;

    [Fact]
    public void StoresIntoARunTakeNoMappingsWhereThereAreNone()
    {
        var engine = StartWritten();

        Assert.True(engine.Totals.MappingsUsed <= Budget, $"{engine.Totals.MappingsUsed} mappings used.");
        Assert.InRange(MappingsOf(engine.Guests[0]), 1, Budget);
        Assert.Equal(Pages - Written, engine.Totals.PagesSharing);
        engine.VerifyAll();
    }

    [Fact]
    public void WhatStaysIsCountedAsMemoryOfItsGuestAndOnce()
    {
        var engine = StartWritten();

        for (var pass = 0; pass < 3; pass++)
        {
            engine.Scan();
            var now = engine.Totals;
            Assert.Equal(Pages + Written, now.ResidentBytes / PageContent.Bytes);
            Assert.Equal(Written, now.CowFaults);
            Assert.Equal(2 * Pages, now.PagesPopulated);
            Assert.Equal(Written, now.PagesVolatile + now.PagesUnshared);
        }

        // Proved by the kernel: what the objects have, the copies are beside.
        Assert.InRange(MemoryObjects.AllPages, Pages, Pages + Budget);
    }

    [Fact]
    public void StoresGoOnWithoutBreaksAndAreKept()
    {
        var engine = StartWritten();
        for (var round = 0; round < 3; round++)
        {
            foreach (var page in WrittenPages())
            {
                engine.Guests[0].Write(page, 17, (byte)(round + 50));
            }

            engine.Scan();
        }

        Assert.Equal(Written, engine.Totals.CowFaults);
        engine.VerifyAll();
        engine.Engine.UnshareAll();
        Assert.Equal(2 * Pages, engine.Totals.ResidentBytes / PageContent.Bytes);
        Assert.Equal(0, engine.Totals.PagesSharing);
        engine.VerifyAll();
    }

    [Fact]
    public void ACopyThatEqualsItsFrameAgainSharesItAgain()
    {
        var engine = StartWritten();
        foreach (var page in WrittenPages())
        {
            engine.Guests[0].Write(page, Content(page));
        }

        engine.Converge();

        Assert.Equal(Pages, engine.Totals.PagesSharing);
        Assert.Equal(Pages, engine.Totals.ResidentBytes / PageContent.Bytes);
        engine.VerifyAll();
    }

    [Fact]
    public void TheyComeHomeWhenThereIsRoom()
    {
        var engine = StartShared(100);
        engine.AddGuest("hog", Pages, static page => HogContent(0, page));
        engine.AddGuest("other hog", Pages, static page => HogContent(1, page));
        engine.Scan();
        engine.Scan();
        engine.Scan();
        long[] pages = [.. WrittenPages().Take(20)];
        Array.ForEach(pages, page => engine.Guests[0].Write(page, PageContent.Unique(1_000_000 + page)));
        engine.Scan();
        Assert.All(pages, page => Assert.Equal(PageState.KernelShared, EngineBooks.StateOf(engine.Guests[0], page)));

        engine.Guests[2].Guest.Dispose();
        engine.Guests[3].Guest.Dispose();
        engine.Converge();
        engine.Scan();

        Assert.All(pages, page => Assert.Equal(PageState.Private, EngineBooks.StateOf(engine.Guests[0], page)));
        Assert.Equal(Pages + pages.Length, MemoryObjects.AllPages);
        engine.Guests[0].Verify();
        engine.Guests[1].Verify();
    }

    [Fact]
    public void ALongStretchComesHome()
    {
        var engine = StartShared(Budget);
        for (var page = 0; page <= Overlays.LongestStretch; page++)
        {
            engine.Guests[0].Write(100 + (2 * page), PageContent.Unique(1_000_000 + page)); // more than there is room for
            engine.Guests[0].Write(600 + page, PageContent.Unique(2_000_000 + page));
        }

        engine.Scan();

        Assert.Equal(PageState.KernelShared, EngineBooks.StateOf(engine.Guests[0], 100 + (2 * Overlays.LongestStretch)));
        Assert.Equal(PageState.Private, EngineBooks.StateOf(engine.Guests[0], 600));
        engine.VerifyAll();
    }

    private static PageContent Content(long page) => PageContent.Unique(page + 1);

    // A mapping for each second page.
    private static PageContent HogContent(int guest, long page) =>
        PageContent.Unique((page % 2 == 0 ? 5_000_000 : 6_000_000 + (100_000 * guest)) + page);

    private static IEnumerable<long> WrittenPages() => Enumerable.Range(1, Written).Select(static i => (long)i * Distance);

    private static unsafe int MappingsOf(OracleGuest guest) =>
        ProcessMappings.Of(guest.AddressOf(0), guest.Guest.Length).Count;

    /// <summary>Two guests that are equal, and share all.</summary>
    private TestEngine StartShared(int budget)
    {
        Assert.SkipWhen(
            HostPlatform.Create().MapsSharedPagesSingly(FaultMode.Kernel),
            "needs Linux: here each page that shares is a view by itself, and none lies inside a run.");
        var engine = Start(TestEngine.Defaults with { FaultMode = FaultMode.Kernel, MappingBudget = budget });
        engine.AddGuest("first", Pages, Content);
        engine.AddGuest("second", Pages, Content);
        engine.Converge();
        Assert.Equal(Pages, engine.Totals.PagesSharing);
        return engine;
    }

    /// <summary>The same, and then the first guest has written single pages, and was scanned.</summary>
    private TestEngine StartWritten()
    {
        var engine = StartShared(Budget);
        foreach (var page in WrittenPages())
        {
            engine.Guests[0].Write(page, PageContent.Unique(1_000_000 + page));
        }

        engine.Scan();
        engine.Scan();
        return engine;
    }
}

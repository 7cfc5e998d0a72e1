using PageShare.Platform;
using PageShare.TestKit;
using PageShare.TestKit.Proof;

namespace PageShare.ContractTests;

/// <summary>Sharing proved by what the kernel says, never by the engine's own counters.</summary>
public sealed unsafe class SharingProofTests : EngineTest
{
    private const int Pages = 96;

    // A third equal between guests, a third equal inside a guest, a sixth zero, a sixth unique.
    private static PageContent Mixed(int guest, long page) => (page % 6) switch
    {
        0 or 1 => PageContent.Unique(1000 + page),
        2 or 3 => PageContent.Of((char)('a' + guest)),
        4 => PageContent.Zero,
        _ => PageContent.Unique((10_000 * (guest + 1)) + page),
    };

    private static long DistinctPages(TestEngine engine, Func<int, long, PageContent> contentOf) =>
        engine.Guests
            .SelectMany((guest, index) => Enumerable.Range(0, (int)guest.Pages).Select(page => contentOf(index, page)))
            .Where(static content => content != PageContent.Zero).Distinct().Count();

    private TestEngine StartMixed(FaultMode mode, bool tracking = true)
    {
        var engine = Start(mode, tracking);
        engine.AddGuest("first", Pages, page => Mixed(0, page));
        engine.AddGuest("second", Pages, page => Mixed(1, page));
        return engine;
    }

    [Theory, BothModes]
    public void EqualPagesOfTwoGuestsShowOnePhysicalPage(FaultMode mode)
    {
        PageFrames.RequireVisible();
        var engine = Start(mode);
        var first = engine.AddGuest("first", Pages, PageContentOf);
        var second = engine.AddGuest("second", Pages, PageContentOf);
        Assert.Empty(PageFrames.Of(first.AddressOf(0), Pages).Intersect(PageFrames.Of(second.AddressOf(0), Pages)));

        engine.Converge();

        var shared = PageFrames.Of(first.AddressOf(0), Pages);
        Assert.Equal(shared, PageFrames.Of(second.AddressOf(0), Pages));
        Assert.Equal(Pages, shared.Distinct().Count());
        engine.VerifyAll();

        static PageContent PageContentOf(long page) => PageContent.Unique(page + 1);
    }

    [Theory, BothModes]
    public void AWriteGivesThatPageAPhysicalPageOfItsOwnAndLeavesTheOthers(FaultMode mode)
    {
        PageFrames.RequireVisible();
        var engine = Start(mode);
        var guests = new[] { "first", "second", "third" }
            .Select(name => engine.AddGuest(name, Pages, static page => PageContent.Unique(page + 1))).ToArray();
        engine.Converge();
        var shared = PageFrames.Of(guests[0].AddressOf(0), Pages);

        guests[1].Write(7, 123, 45);

        var written = PageFrames.Of(guests[1].AddressOf(0), Pages);
        Assert.NotEqual(shared[7], written[7]);
        written[7] = shared[7];
        Assert.Equal(shared, written);
        Assert.Equal(shared, PageFrames.Of(guests[0].AddressOf(0), Pages));
        Assert.Equal(shared, PageFrames.Of(guests[2].AddressOf(0), Pages));
        engine.VerifyAll();
    }

    [Theory, BothModes]
    public void EqualPagesInsideOneGuestShowOnePhysicalPage(FaultMode mode)
    {
        PageFrames.RequireVisible();
        var engine = Start(mode);
        var guest = engine.AddGuest("guest", Pages, static _ => PageContent.Of('x'));
        engine.Converge();
        Assert.Single(PageFrames.Of(guest.AddressOf(0), Pages).Distinct());
    }

    [Theory, BothModes]
    public void UnsharedPagesShowPhysicalPagesOfTheirOwnAgain(FaultMode mode)
    {
        PageFrames.RequireVisible();
        var engine = StartMixed(mode);
        engine.Converge();
        engine.Engine.UnshareAll();
        var frames = engine.Guests.SelectMany(static guest => PageFrames.Of(guest.AddressOf(0), guest.Pages)).ToList();
        Assert.Equal(frames.Count, frames.Distinct().Count());
        engine.VerifyAll();
    }

    [Theory, EverySetup]
    public void TheKernelsBlocksFallByExactlyThePagesSaved(FaultMode mode, bool tracking)
    {
        var engine = StartMixed(mode, tracking);
        Assert.Equal(2 * Pages, MemoryObjects.AllPages);

        engine.Converge();

        var left = DistinctPages(engine, Mixed);
        Assert.Equal(left, MemoryObjects.AllPages);
        Assert.Equal((2 * Pages) - left, engine.Totals.SavedBytes / PageContent.Bytes);
        Assert.Equal(left, MemoryObjects.AllPages); // the snapshot itself took nothing
    }

    [Theory, EverySetup]
    public void UnsharingEverythingTakesTheBlocksBackAndEmptiesTheStore(FaultMode mode, bool tracking)
    {
        var engine = StartMixed(mode, tracking);
        engine.Converge();
        engine.Engine.UnshareAll();
        engine.Scan(); // sees that the frames have no users any more
        Assert.Equal(2 * Pages - ZeroPages, MemoryObjects.PagesOf(MemoryObjects.Backings));
        Assert.Equal(0, MemoryObjects.PagesOf(MemoryObjects.Stores));
        engine.VerifyAll();
    }

    private const int ZeroPages = 2 * Pages / 6;

    [Theory, EverySetup]
    public void MappingsAfterMergingAndUnsharingEverythingAreWhatTheyWere(FaultMode mode, bool tracking)
    {
        var engine = StartMixed(mode, tracking);
        var before = engine.Guests.Select(MappingsOf).ToList();
        Assert.All(before, static count => Assert.Equal(1 + ProcessMappings.CutsIn(Pages), count));
        engine.Converge();
        Assert.All(engine.Guests, static guest => Assert.True(MappingsOf(guest) > Pages / 6));

        engine.Engine.UnshareAll();

        Assert.Equal(before, engine.Guests.Select(MappingsOf));
        engine.VerifyAll();
    }

    [Theory, EverySetup]
    public void MappingsAfterWritingEveryPageAreWhatTheyWere(FaultMode mode, bool tracking)
    {
        var engine = StartMixed(mode, tracking);
        engine.Converge();
        foreach (var guest in engine.Guests)
        {
            guest.WriteAll(page => PageContent.Unique(page + 50_000));
        }

        engine.Scan(); // Kernel mode: brings the kernel's copies home
        Assert.All(
            engine.Guests, static guest => Assert.Equal(1 + ProcessMappings.CutsIn(Pages), MappingsOf(guest)));
        engine.VerifyAll();
    }

    [Theory, EverySetup]
    public void NoMappingOfAGuestIsEverInheritedByAForkedChild(FaultMode mode, bool tracking)
    {
        var engine = StartMixed(mode, tracking);
        AllAreKeptFromChildren(engine);
        engine.Converge();
        AllAreKeptFromChildren(engine);
        foreach (var guest in engine.Guests)
        {
            guest.Write(0, 0, 1);
            guest.Write(2, 0, 2);
        }

        AllAreKeptFromChildren(engine);
        engine.Scan();
        AllAreKeptFromChildren(engine);
        engine.Engine.UnshareAll();
        AllAreKeptFromChildren(engine);
        engine.Guests[0].Guest.Grow(engine.Guests[0].Guest.Length + PageContent.Bytes);
        AllAreKeptFromChildren(engine);
    }

    [Theory, EverySetup]
    public void EveryZeroPageReadIsSavedAgainOnePassLater(FaultMode mode, bool tracking)
    {
        var engine = Start(mode, tracking);
        var guest = engine.AddGuest("zeros", Pages, static _ => PageContent.Zero);
        Assert.Equal(Pages, MemoryObjects.AllPages);
        engine.Converge();
        Assert.Equal(0, MemoryObjects.AllPages);

        guest.Verify(); // a read of a hole fills it
        Assert.Equal(Pages, MemoryObjects.AllPages);
        Assert.Equal(0, engine.Totals.SavedBytes);

        var pass = engine.Scan();
        Assert.Equal(Pages, pass.ZeroPagesFreed);
        Assert.Equal(0, MemoryObjects.AllPages);
        Assert.Equal(Pages * PageContent.Bytes, engine.Totals.SavedBytes);
        engine.VerifyAll();
    }

    [Fact]
    public void ACopyThatTheKernelMadeComesHomeAtTheNextPass()
    {
        var engine = Start(FaultMode.Kernel);
        var first = engine.AddGuest("first", Pages, static page => PageContent.Unique(page + 1));
        engine.AddGuest("second", Pages, static page => PageContent.Unique(page + 1));
        engine.Converge();
        first.Write(3, 5, 99);
        Assert.Equal(PageContent.Bytes, AnonymousBytes(first));
        Assert.Equal(Pages, MemoryObjects.AllPages);

        engine.Scan();

        Assert.Equal(0, AnonymousBytes(first));
        Assert.Equal(Pages + 1, MemoryObjects.AllPages);
        engine.VerifyAll();
    }

    [Fact]
    public void ACopyThatEqualsItsFrameAgainIsDroppedAtTheNextPass()
    {
        var engine = Start(FaultMode.Kernel);
        var first = engine.AddGuest("first", Pages, static page => PageContent.Unique(page + 1));
        engine.AddGuest("second", Pages, static page => PageContent.Unique(page + 1));
        engine.Converge();
        var before = first[3][5];
        first.Write(3, 5, (byte)~before);
        first.Write(3, 5, before);
        Assert.Equal(PageContent.Bytes, AnonymousBytes(first));

        var pass = engine.Scan();

        Assert.Equal(0, pass.PagesBroken);
        Assert.Equal(0, AnonymousBytes(first));
        Assert.Equal(Pages, MemoryObjects.AllPages);
        engine.VerifyAll();
    }

    private static int MappingsOf(OracleGuest guest) =>
        ProcessMappings.Of(guest.AddressOf(0), guest.Guest.Length).Count;

    private static long AnonymousBytes(OracleGuest guest) =>
        ProcessMappings.DetailsOf(guest.AddressOf(0), guest.Guest.Length).Sum(static mapping => mapping.AnonymousBytes);

    private static void AllAreKeptFromChildren(TestEngine engine)
    {
        // Windows has no fork, and a child of CreateProcess has no mapping of its parent's.
        foreach (var guest in HostPlatform.IsLinux ? engine.Guests : [])
        {
            var mappings = ProcessMappings.DetailsOf(guest.AddressOf(0), guest.Guest.Length);
            Assert.NotEmpty(mappings);
            Assert.All(mappings, static mapping => Assert.Contains("dc", mapping.Flags));
        }
    }
}

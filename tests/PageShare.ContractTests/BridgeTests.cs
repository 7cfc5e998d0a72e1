using PageShare.PageTable;
using PageShare.Platform;
using PageShare.TestKit;
using PageShare.TestKit.Proof;

namespace PageShare.ContractTests;

/// <summary>When mappings are short, pages between shared runs get frames of their own, and one mapping shows
/// all.</summary>
public sealed class BridgeTests : EngineTest
{
    private const int Runs = 100;
    private const int RunLength = 8;
    private const int Pages = Runs * (RunLength + 1);
    private const int Common = Runs * RunLength;

    // One for each run in one guest alone, with the two cuts around it, and a few for the other guest.
    private const int Budget = (2 * Runs) + 24;

    [Theory, BothModes]
    public void RunsWithPagesBetweenThemTakeMappingsInOneGuestAlone(FaultMode mode)
    {
        var engine = StartShort(mode);

        engine.Converge();

        Assert.Equal(Common, engine.Totals.PagesSharing);
        Assert.True(engine.Totals.MappingsUsed <= Budget, $"{engine.Totals.MappingsUsed} mappings used.");
        Assert.Equal((2 * Pages) - Common, MemoryObjects.AllPages); // a bridge costs no memory and saves none
        engine.VerifyAll();
    }

    [Theory, BothModes]
    public void NothingIsBridgedWhereMappingsSuffice(FaultMode mode)
    {
        var engine = Start(mode);
        AddGuests(engine);

        engine.Converge();

        Assert.Equal(Common, engine.Totals.PagesSharing);
        Assert.Equal(Common, engine.Totals.PagesShared); // each frame has two users
    }

    [Fact]
    public void AFrameOfABridgeGoesWithItsOnlyUser()
    {
        var engine = StartShort(FaultMode.Signal); // in Kernel mode it may stay: see OverlayTests
        engine.Converge();
        var frames = engine.Totals.PagesShared;
        var bridges = frames - Common;
        Assert.True(bridges > Runs / 2, $"{bridges} bridges.");

        foreach (var guest in engine.Guests)
        {
            for (var run = 0; run < Runs; run++)
            {
                guest.Write(Gap(run), 100, 7);
            }
        }

        engine.Scan();

        Assert.Equal(Common, engine.Totals.PagesShared);
        Assert.Equal((2 * Pages) - Common, MemoryObjects.AllPages);
        engine.VerifyAll();
    }

    [Theory, BothModes]
    public void ABridgeIsSharedByWhoComesToHaveItsContent(FaultMode mode)
    {
        var engine = StartShort(mode);
        engine.Converge();
        var bridged = BridgedGuest(engine, run: 5);
        var from = Gap(5) - RunLength;

        // A guest that has the bridge, and what surrounds it, in the same order.
        engine.AddGuest("third", (2 * RunLength) + 1, page => Content(bridged, from + page));
        engine.Converge();

        Assert.Equal(Common + (2 * RunLength) + 1, engine.Totals.PagesSharing);
        Assert.Equal((2 * Pages) - Common, MemoryObjects.AllPages);
        engine.VerifyAll();
    }

    [Fact]
    public void PagesThatBreakAreNotBridgedAgain()
    {
        var engine = StartShort(FaultMode.Signal); // in Kernel mode they may stay: see OverlayTests
        engine.Converge();
        var guest = engine.Guests[BridgedGuest(engine, run: 5)];
        guest.Write(Gap(5), 0, 1);
        for (var pass = 0; pass < 5; pass++)
        {
            engine.Scan();
        }

        Assert.Equal(PageState.Private, EngineBooks.StateOf(guest, Gap(5)));
        Assert.Equal(Common, engine.Totals.PagesSharing);
        engine.VerifyAll();
    }

    [Theory, BothModes]
    public void NothingIsBridgedThatAnotherProcessCouldRead(FaultMode mode)
    {
        var engine = Start(TestEngine.Defaults with { FaultMode = mode, MappingBudget = Budget });
        engine.AddRingGuest("other", 4, static page => PageContent.Unique(1_000_000 + page));
        AddGuests(engine);
        for (var pass = 0; pass < 5; pass++)
        {
            engine.Scan();
        }

        Assert.InRange(engine.Totals.PagesSharing, 1, Common - 1); // mappings are short
        Assert.All(
            engine.Guests.Skip(1),
            static guest => Assert.All(
                Enumerable.Range(0, Runs),
                run => Assert.Equal(PageState.Private, EngineBooks.StateOf(guest, Gap(run)))));
        engine.VerifyAll();
    }

    [Theory, BothModes]
    public void WhereThereAreBridgesNoOtherProcessComesIn(FaultMode mode)
    {
        var engine = StartShort(mode);
        engine.Converge();

        Assert.Throws<InvalidOperationException>(() => engine.AddRingGuest("other", 4));
        _ = engine.AddRingGuest("another", 4, domain: "another");
        Assert.Equal(Common, engine.Totals.PagesSharing);
        engine.VerifyAll();
    }

    private static int BridgedGuest(TestEngine engine, int run) => Enumerable.Range(0, 2).Single(
        guest => PageStates.IsShared(EngineBooks.StateOf(engine.Guests[guest], Gap(run))));

    private static int Gap(int run) => (run * (RunLength + 1)) + RunLength;

    private static PageContent Content(int guest, long page) => page % (RunLength + 1) < RunLength
        ? PageContent.Unique(page + 1)
        : PageContent.Unique((100_000 * (guest + 1)) + page);

    private static void AddGuests(TestEngine engine)
    {
        engine.AddGuest("first", Pages, static page => Content(0, page));
        engine.AddGuest("second", Pages, static page => Content(1, page));
    }

    private TestEngine StartShort(FaultMode mode)
    {
        Assert.SkipWhen(
            HostPlatform.Create().MapsSharedPagesSingly(mode),
            "needs Linux: here each page that shares is a view by itself, and nothing is gained by bridges.");
        var engine = Start(TestEngine.Defaults with { FaultMode = mode, MappingBudget = Budget });
        AddGuests(engine);
        return engine;
    }
}

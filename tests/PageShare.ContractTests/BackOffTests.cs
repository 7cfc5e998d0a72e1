using PageShare.TestKit;

namespace PageShare.ContractTests;

/// <summary>When a page is tried: after it has been stable, and the less often the oftener it breaks.</summary>
public sealed class BackOffTests : EngineTest
{
    private const int Pages = 64;
    private const int Passes = 60;

    private TestEngine StartShared(FaultMode mode, int maximum)
    {
        var engine = Start(TestEngine.Defaults with { FaultMode = mode, BackOffMaximumPasses = maximum });
        engine.AddGuest("hot", Pages, static page => PageContent.Unique(page + 1));
        engine.AddGuest("quiet", Pages, static page => PageContent.Unique(page + 1));
        engine.Converge();
        return engine;
    }

    // Writes to a page whenever it is shared, and back to what it was; counts how often it came to be shared again.
    private static int MergesOfAHotPage(TestEngine engine)
    {
        var merges = 0;
        for (var pass = 0; pass < Passes; pass++)
        {
            if (PageTable.PageStates.IsShared(EngineBooks.StateOf(engine.Guests[0], 9)))
            {
                merges++;
                engine.Guests[0].Guest.EnsureWritable(9 * PageContent.Bytes, 1);
            }

            engine.Scan();
        }

        return merges;
    }

    [Theory, BothModes]
    public void APageThatKeepsBreakingIsTriedLessAndLess(FaultMode mode)
    {
        var engine = StartShared(mode, maximum: 64);
        var merges = MergesOfAHotPage(engine);
        Assert.InRange(merges, 2, 8); // doubling: at 1, 2, 4, 8, 16, 32 passes or so
        Assert.Equal(Pages - 1, PageWordText.CountSharing(engine.Guests[0].Guest) - (PageTable.PageStates.IsShared(
            EngineBooks.StateOf(engine.Guests[0], 9)) ? 1 : 0)); // its neighbours are not punished
        engine.VerifyAll();
    }

    [Theory, BothModes]
    public void WithoutBackOffItIsTriedAllTheTime(FaultMode mode)
    {
        var engine = StartShared(mode, maximum: 1);
        Assert.InRange(MergesOfAHotPage(engine), Passes / 3, Passes);
    }

    [Theory, BothModes]
    public void APageThatHasCalmedDownIsSharedInTheEnd(FaultMode mode)
    {
        var engine = StartShared(mode, maximum: 8);
        MergesOfAHotPage(engine);
        for (var pass = 0; pass < 2 * 8; pass++)
        {
            engine.Scan();
        }

        Assert.Equal(Pages, engine.Totals.PagesSharing);
        engine.VerifyAll();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void APageIsMergedOnlyAfterAsManyPassesWithoutChangeAsAskedFor(int stablePasses)
    {
        foreach (var tracking in new[] { true, false })
        {
            var engine = Start(TestEngine.Defaults with { StablePasses = stablePasses, TrackWrites = tracking });
            engine.AddGuest("first", Pages, static page => PageContent.Unique(page + 1));
            engine.AddGuest("second", Pages, static page => PageContent.Unique(page + 1));
            for (var pass = 0; pass < stablePasses; pass++)
            {
                Assert.Equal(0, engine.Scan().PagesMerged);
            }

            Assert.Equal(2 * Pages, engine.Scan().PagesMerged);
            engine.VerifyAll();
            engine.Dispose();
        }
    }

    [Fact]
    public void APageThatChangesInEveryPassIsNeverMerged()
    {
        var engine = Start(FaultMode.Signal);
        engine.AddGuest("first", Pages, static page => PageContent.Unique(page + 1));
        engine.AddGuest("second", Pages, static page => PageContent.Unique(page + 1));
        for (var pass = 0; pass < 10; pass++)
        {
            foreach (var guest in engine.Guests)
            {
                guest.Write(5, PageContent.Unique(1000 + pass)); // equal at every look, and another each time
            }

            engine.Scan();
            Assert.Equal(PageTable.PageState.Private, EngineBooks.StateOf(engine.Guests[0], 5));
        }

        Assert.Equal(Pages - 1, engine.Totals.PagesSharing);
    }
}

using PageShare.TestKit;

namespace PageShare.ContractTests.Isolated;

/// <summary>Merging by way of a ring is merging: the same pages, the same books.</summary>
public sealed class RingMergeTests : EngineTest
{
    private const int Pages = 1300;

    [Theory, BothModes]
    public void EqualPagesOfTwoGuestsBehindRingsShareFrames(FaultMode mode)
    {
        var engine = Start(mode);
        engine.AddRingGuest("one", Pages, static page => PageContent.Unique(1 + page));
        engine.AddRingGuest("two", Pages, static page => PageContent.Unique(1 + page));

        engine.Converge();

        Assert.Equal(Pages, engine.Totals.PagesShared);
        Assert.Equal(Pages, engine.Totals.PagesSharing);
        engine.VerifyAll();
    }

    [Theory, BothModes]
    public void GuestsOfThisProcessAndBehindRingsShareOneAnothersPages(FaultMode mode)
    {
        var engine = Start(mode);
        engine.AddGuest("here", Pages, static page => PageContent.Unique(1 + (page % 700)));
        var there = engine.AddRingGuest("there", Pages, static page => PageContent.Unique(1 + (page % 900)));

        engine.Converge();
        Assert.Equal(engine.OptimumPages, engine.Totals.PagesSharing);
        engine.VerifyAll();
        for (var page = 0; page < Pages; page += 7)
        {
            there.Oracle.Write(page, 5, (byte)page);
        }

        engine.VerifyAll();
        engine.Converge();
        Assert.Equal(engine.OptimumPages, engine.Totals.PagesSharing);
        engine.VerifyAll();
    }
}

using PageShare.PageTable;
using PageShare.TestKit;
using PageShare.TestKit.Rings;

namespace PageShare.ContractTests.Counters;

/// <summary>Writers that go on from page to page break several pages at a fault, and the books balance.</summary>
public sealed class BreakAheadTests : EngineTest
{
    private const int Pages = 300;
    private const int Limit = 16;

    private static PageContent ContentOf(long page) => PageContent.Unique(page + 1);

    private TestEngine Start(FaultMode mode, int limit) =>
        Start(TestEngine.Defaults with { FaultMode = mode, MaximumBreakPages = limit });

    private TestEngine StartShared(FaultMode mode, int limit = Limit)
    {
        var engine = Start(mode, limit);
        engine.AddGuest("first", Pages, ContentOf);
        engine.AddGuest("second", Pages, ContentOf);
        engine.Converge();
        Assert.Equal(Pages, engine.Totals.PagesSharing);
        return engine;
    }

    private static void WriteAll(OracleGuest guest)
    {
        for (var page = 0; page < Pages; page++)
        {
            guest.Write(page, 7, (byte)(page + 1));
        }
    }

    [Fact]
    public void TheEngineBreaksAheadByItself() => Assert.True(new EngineOptions().MaximumBreakPages > 1);

    [Fact]
    public void ASequentialWriterFaultsOnceForSeveralPages()
    {
        var engine = StartShared(FaultMode.Signal);
        WriteAll(engine.Guests[0]);
        var totals = engine.Totals;
        Assert.Equal(Pages, totals.CowFaults + totals.PagesBrokenAhead);
        Assert.Equal(4 + ((Pages - 15 + Limit - 1) / Limit), totals.CowFaults); // 1, 2, 4, 8, and then 16 each
        Assert.Equal(totals.PagesBrokenAhead, engine.Guests[0].Guest.Snapshot().Counters.PagesBrokenAhead);
        Assert.Equal(0, engine.Guests[1].Guest.Snapshot().Counters.PagesBrokenAhead);
        Assert.Equal(0, totals.PagesSharing);
        engine.VerifyAll();
    }

    [Fact]
    public void WithALimitOfOneEachPageFaults()
    {
        var engine = StartShared(FaultMode.Signal, limit: 1);
        WriteAll(engine.Guests[0]);
        Assert.Equal((Pages, 0), (engine.Totals.CowFaults, engine.Totals.PagesBrokenAhead));
    }

    [Fact]
    public void AWriterHereAndThereBreaksNothingAhead()
    {
        var engine = StartShared(FaultMode.Signal);
        for (var i = 0; i < Pages; i++)
        {
            engine.Guests[0].Write(i * 7 % Pages, 7, 77); // 7 and 300 have no common divisor
        }

        Assert.Equal((Pages, 0), (engine.Totals.CowFaults, engine.Totals.PagesBrokenAhead));
        engine.VerifyAll();
    }

    [Fact]
    public void InKernelModeTheKernelBreaksPageByPage()
    {
        var engine = StartShared(FaultMode.Kernel);
        WriteAll(engine.Guests[0]);
        engine.Scan();
        Assert.Equal((Pages, 0), (engine.Totals.CowFaults, engine.Totals.PagesBrokenAhead));
    }

    /// <summary>What was broken and not written is equal to its frame still, and no write would ever have it looked
    /// at.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void PagesBrokenAheadInVainAreSharedAgain(bool tracking)
    {
        var engine = Start(TestEngine.Defaults with { MaximumBreakPages = Limit, TrackWrites = tracking });
        engine.AddGuest("first", Pages, ContentOf);
        engine.AddGuest("second", Pages, ContentOf);
        engine.Converge();
        foreach (var page in (long[])[0, 1, 3, 7, 15])
        {
            engine.Guests[0].Write(page, 7, 77);
        }

        Assert.Equal(31, engine.Totals.CowFaults + engine.Totals.PagesBrokenAhead);
        Assert.Equal(Pages - 31, engine.Totals.PagesSharing);
        engine.Converge();
        Assert.Equal(Pages - 5, engine.Totals.PagesSharing);
        engine.VerifyAll();
    }

    [Fact]
    public void AWriterOfAnotherProcessBreaksAheadToo()
    {
        var engine = Start(FaultMode.Signal, Limit);
        var one = engine.AddRingGuest("one", Pages, ContentOf);
        engine.AddRingGuest("two", Pages, ContentOf);
        engine.Converge();
        Assert.Equal(Pages, engine.Totals.PagesSharing);
        WriteAll(one.Oracle);
        var counters = one.Host.Snapshot().Counters;
        Assert.Equal(Pages, counters.CowFaults + counters.PagesBrokenAhead);
        Assert.InRange(counters.CowFaults, Pages / Limit, Pages / Limit * 2);
        one.Oracle.WriteAll(ContentOf);
        engine.Converge();
        Assert.Equal(Pages, engine.Totals.PagesSharing);
        engine.VerifyAll();
    }

    [Fact]
    public void CountsOfAGuestThatGoesAreKept()
    {
        var engine = StartShared(FaultMode.Signal);
        WriteAll(engine.Guests[0]);
        engine.Guests[0].Guest.Dispose();
        Assert.Equal(Pages, engine.Totals.CowFaults + engine.Totals.PagesBrokenAhead);
    }
}

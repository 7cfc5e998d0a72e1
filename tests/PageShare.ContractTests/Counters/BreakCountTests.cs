using PageShare.TestKit;

namespace PageShare.ContractTests.Counters;

/// <summary>Every store that breaks sharing is counted, once.</summary>
public sealed class BreakCountTests : EngineTest
{
    private const int Pages = 300;

    private TestEngine StartShared(FaultMode mode) => StartShared(TestEngine.Defaults with { FaultMode = mode });

    private TestEngine StartShared(EngineOptions options)
    {
        var engine = Start(options);
        engine.AddGuest("first", Pages, static page => PageContent.Unique(page + 1));
        engine.AddGuest("second", Pages, static page => PageContent.Unique(page + 1));
        engine.Converge();
        Assert.Equal(0, engine.Totals.CowFaults);
        return engine;
    }

    private static void WriteEachPageTwice(OracleGuest guest)
    {
        for (var page = 0; page < Pages; page++)
        {
            guest.Write(page, 7, 1);
            guest.Write(page, 8, 2);
        }
    }

    [Fact]
    public void InSignalModeEachBreakCountsAtOnceAndIsTimed()
    {
        var engine = StartShared(FaultMode.Signal);
        WriteEachPageTwice(engine.Guests[0]);
        Assert.Equal("handler", engine.Engine.Snapshot().BreakCounting);
        Assert.Equal(Pages, engine.Totals.CowFaults);
        Assert.Equal(Pages, engine.Guests[0].Guest.Snapshot().Counters.CowFaults);
        Assert.Equal(0, engine.Guests[1].Guest.Snapshot().Counters.CowFaults);
        Assert.Equal(Pages, TimedBreaks(engine.Guests[0]));
        var latency = engine.Totals.CowFaultNanoseconds;
        Assert.True(latency.P50 > 0 && latency.P50 <= latency.P99 && latency.P99 <= latency.Max);
    }

    [Fact]
    public void InKernelModeEachBreakCountsAfterAPass()
    {
        var engine = StartShared(FaultMode.Kernel);
        WriteEachPageTwice(engine.Guests[0]);
        engine.Scan();
        Assert.Equal(Pages, engine.Totals.CowFaults);
        engine.Scan();
        Assert.Equal(Pages, engine.Totals.CowFaults); // and only once
        Assert.Equal(0, engine.Guests[1].Guest.Snapshot().Counters.CowFaults);
    }

    [Fact]
    public void InKernelModeASnapshotKnowsBreaksBeforeThePass()
    {
        var engine = StartShared(FaultMode.Kernel);
        Assert.SkipUnless(
            engine.Engine.Snapshot().BreakCounting == "perf",
            "needs kernel.perf_event_paranoid at 2 or less, or root.");
        WriteEachPageTwice(engine.Guests[0]);
        Assert.Equal(Pages, engine.Totals.CowFaults);
        Assert.Equal(Pages, engine.Totals.CowFaults);
        engine.Scan();
        Assert.Equal(Pages, engine.Totals.CowFaults);
    }

    [Fact]
    public void BreaksThatAreNotToBeCountedAtOnceAreFoundByThePass()
    {
        var engine = StartShared(
            TestEngine.Defaults with { FaultMode = FaultMode.Kernel, CountBreaksAtOnce = false });
        WriteEachPageTwice(engine.Guests[0]);
        Assert.NotEqual("perf", engine.Engine.Snapshot().BreakCounting);
        engine.Scan();
        engine.Scan();
        Assert.Equal(Pages, engine.Totals.CowFaults);
    }

    [Fact]
    public void ReadsOfSharedPagesAreNoBreaks()
    {
        foreach (var mode in new[] { FaultMode.Signal, FaultMode.Kernel })
        {
            var engine = StartShared(mode);
            engine.Verify();
            engine.Scan();
            engine.Verify();
            Assert.Equal(0, engine.Totals.CowFaults);
            engine.Dispose();
        }
    }

    [Theory, BothModes]
    public void TheSamePageBrokenAgainAndAgainCountsEachTime(FaultMode mode)
    {
        var engine = StartShared(mode);
        for (var round = 1; round <= 5; round++)
        {
            engine.Guests[0].Write(7, 7, (byte)round);
            engine.Scan();
            Assert.Equal(round, engine.Totals.CowFaults);
            engine.Guests[0].Write(7, PageContent.Unique(8));
            engine.Converge();
            Assert.Equal(Pages, engine.Totals.PagesSharing);
        }
    }

    [Fact]
    public void InKernelModeACopyThatWasDroppedCountsAsABreakEachTime()
    {
        var engine = StartShared(FaultMode.Kernel);
        for (var round = 1; round <= 3; round++)
        {
            engine.Guests[0].Write(7, 7, 77);
            engine.Guests[0].Write(7, PageContent.Unique(8)); // equal to its frame again
            engine.Scan();
            Assert.Equal(round, engine.Totals.CowFaults);
            Assert.Equal(Pages, engine.Totals.PagesSharing);
        }
    }

    [Theory, BothModes]
    public void BreaksThatNobodyStoredForAreNotCounted(FaultMode mode)
    {
        var engine = StartShared(mode);
        engine.Guests[0].Guest.EnsureWritable(0, 10 * PageContent.Bytes);
        using (engine.Guests[0].Guest.PinWritable(20 * PageContent.Bytes, PageContent.Bytes))
        {
            engine.Scan();
        }

        engine.Engine.UnshareAll();
        engine.Scan();
        Assert.Equal(0, engine.Totals.CowFaults);
    }

    [Theory, BothModes]
    public void BreaksStayCountedWhenAllIsUnshared(FaultMode mode)
    {
        var engine = StartShared(mode);
        WriteEachPageTwice(engine.Guests[0]);
        _ = engine.Engine.Snapshot(); // Kernel mode: what is unshared before anybody looks is not counted
        engine.Engine.UnshareAll();
        engine.Scan();
        Assert.Equal(Pages, engine.Totals.CowFaults);
    }

    [Theory, BothModes]
    public void BreaksOfAGuestThatGoesBeforeAnybodyLooksAreCounted(FaultMode mode)
    {
        var engine = StartShared(mode);
        WriteEachPageTwice(engine.Guests[0]);
        engine.Guests[0].Guest.Dispose();
        Assert.Equal(Pages, engine.Totals.CowFaults);
    }

    private static unsafe long TimedBreaks(OracleGuest guest)
    {
        // SAFETY: the guest is alive; the handler adds to its counters, which no thread makes it do now.
        var histogram = (ulong*)&guest.Guest.Region.Table.Counters->CowFaultNanoseconds;
        var count = 0UL;
        for (var bucket = 0; bucket < Metrics.LatencyHistogram.BucketCount; bucket++)
        {
            count += histogram[bucket];
        }

        return (long)count;
    }
}

using PageShare.Memory;
using PageShare.PageTable;
using PageShare.Platform;
using PageShare.TestKit;
using PageShare.TestKit.Rings;

namespace PageShare.ContractTests.Isolated;

/// <summary>What a guest writes into its page words, counters and ring harms itself alone.</summary>
public sealed unsafe class ForgedWordTests : EngineTest
{
    private const int Pages = 700;

    // SAFETY: the table is mapped as long as the guest, with a word for each of its pages.

    [Theory, BothModes]
    public void AWordThatDeniesSharingFreesNoFrameThatAnotherGuestUses(FaultMode mode)
    {
        var engine = Start(mode);
        var honest = engine.AddRingGuest("honest", Pages, static page => PageContent.Unique(1 + page), processId: 1);
        var liar = engine.AddRingGuest("liar", Pages, static page => PageContent.Unique(1 + page), processId: 2);
        engine.Converge();
        Assert.Equal(Pages, engine.Totals.PagesSharing);
        liar.Guest.StopAgent();
        new Span<ulong>(liar.Guest.Words, Pages).Clear();

        engine.Scan();
        engine.Scan();

        Assert.Equal(Pages, FramesOf(engine));
        Assert.All(Enumerable.Range(0, Pages), page => Assert.True(
            PageStates.IsShared(honest.Host.Region.Words.Read(new PageNumber(page)).State)));
        honest.Oracle.Verify();
        Go(liar);
        engine.Scan();
        Assert.Equal(Pages, FramesOf(engine));
        honest.Oracle.Verify();
    }

    [Theory, BothModes]
    public void RandomWordsAndCountersHarmNobodyElse(FaultMode mode)
    {
        for (var round = 0; round < 20; round++)
        {
            var engine = Start(mode);
            engine.AddGuest("one", Pages, static page => PageContent.Unique(1 + page));
            var two = engine.AddRingGuest("two", Pages, static page => PageContent.Unique(1 + page), processId: 1);
            var liar = engine.AddRingGuest("liar", Pages, static page => PageContent.Unique(1 + page), processId: 2);
            var random = new Random(Seeds.Seed + round);
            for (var pass = 0; pass < 6; pass++)
            {
                engine.Scan();
                Scribble(liar, random);
                _ = engine.Engine.Snapshot();
                _ = liar.Host.ReadKinds(0, new char[Pages]);
            }

            Go(liar);
            Until.True(() => engine.Scan().Completed && engine.Totals.PagesSharing == Pages, "the others share");
            two.Oracle.Verify();
            engine.Guests[0].Verify();
            CountersAreSums(engine);
            engine.Dispose();
        }
    }

    [Fact]
    public void CountersOfAGuestNeverGoBackAndAddUpWhateverItWrites()
    {
        var engine = Start(FaultMode.Signal);
        engine.AddGuest("well", Pages);
        var liar = engine.AddRingGuest("liar", Pages);
        ulong[] values = [ulong.MaxValue, 1UL << 63, 5, 0, 1UL << 47];
        long before = 0;
        foreach (var value in values)
        {
            new Span<ulong>(liar.Guest.Counters, sizeof(ShimCounters) / sizeof(ulong)).Fill(value);
            var now = engine.Engine.Snapshot();
            Assert.InRange(now.Totals.CowFaults, before, long.MaxValue);
            Assert.InRange(now.Totals.CowFaultNanoseconds.P99, 0, now.Totals.CowFaultNanoseconds.Max);
            before = now.Totals.CowFaults;
            CountersAreSums(engine);
        }

        new Span<ulong>(liar.Guest.Counters, sizeof(ShimCounters) / sizeof(ulong)).Clear();
        Go(liar);
        Assert.Equal(before, engine.Totals.CowFaults);
    }

    /// <summary>Garbage where a guest can write, at random; its own memory is lost to it.</summary>
    private static void Scribble(RingPair liar, Random random)
    {
        for (var i = 0; i < 200; i++)
        {
            var state = (ulong)random.Next(16) << 60;
            Volatile.Write(ref liar.Guest.Words[random.Next(Pages)], state | (ulong)random.NextInt64(1L << 60));
        }

        random.NextBytes(new Span<byte>(liar.Guest.Counters, sizeof(ShimCounters)));
        var bitmaps = sizeof(RingHeader) + (RingNative.Orders * sizeof(RingOrder));
        random.NextBytes(new Span<byte>(
            liar.Guest.Ring + bitmaps, (int)(RingHandle.BytesFor(liar.Host.MaximumPages) - bitmaps)));
    }

    /// <summary>Ends a guest that has spoilt its own words: settled ones first, or its end waits for them.</summary>
    private static void Go(RingPair liar)
    {
        new Span<ulong>(liar.Guest.Words, Pages).Clear();
        liar.Dispose();
    }

    private static long FramesOf(TestEngine engine)
    {
        lock (engine.Engine.Registry.Gate)
        {
            return engine.Engine.Registry.Domains.Sum(static domain => domain.Store.LiveFrames);
        }
    }

    private static void CountersAreSums(TestEngine engine)
    {
        var now = engine.Engine.Snapshot();
        Assert.Equal(now.Guests.Sum(static guest => guest.Counters.PagesSharing), now.Totals.PagesSharing);
        Assert.Equal(now.Guests.Sum(static guest => guest.Counters.PagesPopulated), now.Totals.PagesPopulated);
        Assert.All(now.Guests, static guest => Assert.True(guest.Counters.CowFaults >= 0 && guest.Counters.SealWaits >= 0));
        Assert.True(now.Totals.CowFaults >= now.Guests.Sum(static guest => guest.Counters.CowFaults));
    }
}

using System.Diagnostics;
using PageShare.Memory;
using PageShare.Platform;
using PageShare.TestKit;
using PageShare.TestKit.Rings;

namespace PageShare.ContractTests.Isolated;

/// <summary>A guest that answers what is not so harms itself; one that answers what cannot be is left alone.</summary>
public sealed unsafe class ForgedAnswerTests : EngineTest
{
    private const int Pages = 600;
    private const int MostPasses = 12;

    // SAFETY: answers are written into slots that the false agent was given, which have room for all fields.

    [Fact]
    public void APageDoneThatNoOrderNamedEndsAllTrust() => IsDistrusted(static order =>
    {
        for (var i = 0; i < Shim.OrderPages; i++)
        {
            order->Results[i] = (byte)MergeResult.Done;
        }
    });

    [Fact]
    public void AResultOfNoKindEndsAllTrust() => IsDistrusted(static order => order->Results[3] = 200);

    [Fact]
    public void ACountWhereThereIsNoneEndsAllTrust() =>
        IsDistrusted(static order => order->Result = order->Kind == OrderKind.Merge ? 7 : 0);

    [Fact]
    public void AnErrorThatIsNoneEndsAllTrust() => IsDistrusted(static order => order->Result = long.MinValue);

    [Fact]
    public void OrdersAnsweredThatWereNotGivenEndAllTrust()
    {
        var engine = Start(FaultMode.Signal);
        AddPair(engine);
        var liar = AddLiar(engine);
        var header = (RingHeader*)liar.Guest.Ring;
        Volatile.Write(ref header->Answered, 5000);
        engine.Scan();
        Assert.Equal(IsolatedState.Distrusted, liar.Host.State);
        TheOthersAreWell(engine);
    }

    [Fact]
    public void CpuTimeThatItClaimsIsNoMoreThanItHadOrdersFor()
    {
        var engine = Start(FaultMode.Signal);
        var liar = AddLiar(engine);
        var header = (RingHeader*)liar.Guest.Ring;
        var ring = liar.Host.Region.Ring!;
        _ = ring.TakeCpuNanoseconds();

        Volatile.Write(ref header->CpuNanoseconds, ulong.MaxValue / 4);
        Assert.Equal(0, ring.TakeCpuNanoseconds()); // it was asked for nothing

        Volatile.Write(ref header->CpuNanoseconds, ulong.MaxValue / 2);
        var clock = Stopwatch.StartNew();
        _ = ring.FindCopies(new PageNumber(0), 64, new ulong[1]); // nobody answers: it becomes late
        Assert.InRange(ring.TakeCpuNanoseconds(), 1, (long)clock.Elapsed.TotalNanoseconds);

        Volatile.Write(ref header->CpuNanoseconds, ulong.MaxValue);
        Assert.Equal(0, ring.TakeCpuNanoseconds()); // nobody answers, and a late one is not waited for
    }

    [Theory, BothModes]
    public void WhoSaysThatAllIsDoneAndDoesNothingHarmsNobodyElse(FaultMode mode)
    {
        var engine = Start(mode);
        AddPair(engine);
        var liar = AddLiar(engine);
        using (new RingAnswers(liar.Guest, static order =>
        {
            order->Result = 0;
            for (var i = 0; i < Shim.OrderPages; i++)
            {
                order->Results[i] = (byte)(order->Targets[i] == Shim.TargetNone ? MergeResult.Skipped : MergeResult.Done);
            }
        }))
        {
            Passes(engine);
            Assert.Null(liar.Host.WhyDistrusted);
            liar.Host.Snapshot();
        }

        liar.Dispose();
        TheOthersAreWell(engine);
    }

    [Theory, BothModes]
    public void RandomAnswersHarmNobodyElse(FaultMode mode)
    {
        for (var round = 0; round < 40; round++)
        {
            var engine = Start(mode);
            AddPair(engine);
            var liar = AddLiar(engine);
            var random = new Random(Seeds.Seed + round);
            using (new RingAnswers(liar.Guest, order => Scribble(order, random)))
            {
                Passes(engine);
                _ = engine.Engine.Snapshot();
            }

            liar.Dispose();
            TheOthersAreWell(engine);
            engine.Dispose();
        }
    }

    private static void Scribble(RingOrder* order, Random random)
    {
        order->Result = random.Next(4) == 0 ? random.NextInt64(-5000, 5000) : 0;
        var last = random.Next(30) == 0 ? 7 : 5;
        for (var i = 0; i < Shim.OrderPages; i++)
        {
            order->Results[i] = (byte)(order->Targets[i] == Shim.TargetNone ? 0 : random.Next(1, last));
        }
    }

    private static void IsDistrusted(RingAnswers.Answer answer)
    {
        using var test = new ForgedAnswerTests();
        var engine = test.Start(FaultMode.Signal);
        AddPair(engine);
        var liar = AddLiar(engine);
        using (new RingAnswers(liar.Guest, order =>
        {
            order->Result = 0;
            answer(order);
        }))
        {
            Until.True(
                () => engine.Scan().Completed && liar.Host.State == IsolatedState.Distrusted, "the lie is noticed");
        }

        Assert.NotNull(liar.Host.WhyDistrusted);
        Assert.Equal(1, engine.Engine.Snapshot().GuestsDistrusted);
        Assert.Contains(engine.Engine.Snapshot().Warnings, static text => text.Contains("'liar'", StringComparison.Ordinal));
        TheOthersAreWell(engine);
        liar.Dispose();
        Assert.Equal(1, engine.Engine.Snapshot().GuestsDistrusted);
        TheOthersAreWell(engine);
    }

    private static void AddPair(TestEngine engine)
    {
        engine.AddGuest("one", Pages, static page => PageContent.Unique(1 + page));
        engine.AddRingGuest("two", Pages, static page => PageContent.Unique(1 + page), processId: 2);
    }

    /// <summary>Has no agent, and says that it could merge.</summary>
    private static RingPair AddLiar(TestEngine engine)
    {
        var liar = engine.AddRingGuest(
            "liar", Pages, static page => PageContent.Unique(page % 3 == 0 ? 10_000 + page : 1 + (page % 400)),
            attach: false, processId: 3);
        var header = (RingHeader*)liar.Guest.Ring;
        header->HandlerInstalled = 1;
        header->MappingsLimit = 65530;
        liar.Host.Attach();
        return liar;
    }

    private static void Passes(TestEngine engine)
    {
        for (var pass = 0; pass < MostPasses; pass++)
        {
            Assert.True(engine.Scan().Completed);
        }
    }

    private static void TheOthersAreWell(TestEngine engine)
    {
        Until.True(() => engine.Scan().Completed && engine.Totals.PagesSharing >= Pages, "the others share");
        foreach (var guest in engine.Guests.Where(static guest => guest.Memory.Name != "liar"))
        {
            guest.Verify();
        }

        Assert.All(engine.Engine.Snapshot().Guests, static guest => Assert.True(guest.Counters.CowFaults >= 0));
    }
}

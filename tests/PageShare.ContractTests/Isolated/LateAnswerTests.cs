using PageShare.Content;
using PageShare.Merge;
using PageShare.Platform;
using PageShare.Scan;
using PageShare.TestKit;
using PageShare.TestKit.Points;
using PageShare.TestKit.Proof;
using PageShare.TestKit.Rings;

namespace PageShare.ContractTests.Isolated;

/// <summary>A guest that does not answer holds up nobody, and what its orders name stays as it is until it
/// has.</summary>
public sealed class LateAnswerTests : EngineTest
{
    private const int Pages = 700;

    // The only orders that begin there are those to merge.
    private const int SecondStretch = 512;

    [Theory, BothModes]
    public void AGuestWhoseAgentHasNotBegunIsLateAndTheOthersShareMeanwhile(FaultMode mode)
    {
        var engine = Start(mode);
        engine.AddGuest("one", Pages, static page => PageContent.Unique(1 + page));
        engine.AddGuest("two", Pages, static page => PageContent.Unique(1 + page));
        var late = engine.AddRingGuest("late", Pages, static page => PageContent.Unique(1 + page), attach: false);
        late.Host.Attach();

        ConvergeUntil(engine, Pages);
        Assert.Equal(IsolatedState.Late, late.Host.State);
        Assert.True(engine.Totals.OrdersLate > 0);

        late.Guest.StartAgent();
        ConvergeUntil(engine, 2 * Pages);
        engine.VerifyAll();
    }

    [Theory, BothModes]
    public void TheFramesOfAnUnansweredOrderStayUntilItsAnswerHasCome(FaultMode mode)
    {
        var engine = Start(mode);
        var pairs = StartPairs(engine);
        using (Gate.Stop(TestPoint.OrderTaken, page: SecondStretch))
        {
            PassesUntil(engine, () => Late(pairs) is not null);
            pairs[0].Oracle.WriteAll(static page => PageContent.Unique(10_000 + page));
            pairs[1].Oracle.WriteAll(static page => PageContent.Unique(20_000 + page));

            engine.Scan();
            engine.Scan();
            Assert.True(FramesOf(engine) >= Pages - SecondStretch); // carried out or not, nobody knows
        }

        PassesUntil(engine, () => Late(pairs) is null && FramesOf(engine) == 0);
        engine.VerifyAll();
    }

    [Theory, BothModes]
    public void AnAnswerThatCameLateIsEnteredWhenItComes(FaultMode mode)
    {
        var engine = Start(mode);
        var pairs = StartPairs(engine);
        using (Gate.Stop(TestPoint.OrderDone, page: SecondStretch))
        {
            PassesUntil(engine, () => Late(pairs) is not null);
            Assert.True(engine.Totals.PagesSharing < Pages);
        }

        ConvergeUntil(engine, Pages);
        engine.VerifyAll();
    }

    [Theory]
    [InlineData(FaultMode.Signal, TestPoint.OrderTaken)]
    [InlineData(FaultMode.Signal, TestPoint.OrderDone)]
    [InlineData(FaultMode.Kernel, TestPoint.OrderTaken)]
    [InlineData(FaultMode.Kernel, TestPoint.OrderDone)]
    public void AGuestThatDiesWithAnOrderUnansweredLeavesNothingBehind(FaultMode mode, TestPoint point)
    {
        var engine = Start(mode);
        var pairs = StartPairs(engine);
        RingPair late;
        using (Gate.Stop(point, page: SecondStretch))
        {
            PassesUntil(engine, () => Late(pairs) is not null);
            late = Late(pairs)!;
        }

        late.Dispose();
        Assert.Equal(IsolatedState.Disposed, late.Host.State);
        Assert.Equal(Pages, engine.Totals.PagesTotal);
        Assert.Equal(0, engine.Totals.PagesSharing);
        engine.VerifyAll();
        engine.Engine.UnshareAll();
        engine.Scan();
        Assert.Equal(0, FramesOf(engine));
    }

    [Fact]
    public void PagesPassedOverSinceTheirGuestWasJustLateAreFoundAgain()
    {
        // The same hashes here and in the engine's own passes: what is hashed once is not hashed again.
        var hasher = new XxHash3PageHasher(1);
        var engine = Keep(TestEngine.Start(TestEngine.Defaults with { FaultMode = FaultMode.Kernel }, hasher));
        var late = engine.AddRingGuest("late", Pages, static page => PageContent.Unique(1 + page));
        engine.AddGuest("other", Pages, static page => PageContent.Unique(1 + page));
        using var team = new ScanTeam(engine.Engine.Options.ScannerThreads);
        var scan = new ChunkScan(engine.Engine.Options, hasher, team);
        Step(BeginPass(engine, scan, 0), 2 * Pages);
        var pass = BeginPass(engine, scan, 1);
        Step(pass, Pages);
        using (Gate.Stop(TestPoint.OrderTaken))
        {
            engine.Engine.Snapshot(); // asks for copies
            Assert.Equal(IsolatedState.Late, late.Host.State);
            Step(pass, Pages);
        }

        ConvergeUntil(engine, Pages);
        engine.VerifyAll();
    }

    [Theory, BothModes]
    public void AGuestThatIsLateWithAnotherOrderIsUnsharedAllTheSame(FaultMode mode)
    {
        var engine = Start(mode);
        var pairs = StartPairs(engine);
        ConvergeUntil(engine, Pages);
        Actor unsharing;
        using (Gate.Stop(TestPoint.OrderTaken))
        {
            PassesUntil(engine, () => Late(pairs) is not null); // asked for its written pages
            var late = Late(pairs)!;
            unsharing = Actor.Start("unsharing", () => Until.True(late.Host.Unshare, "it is unshared"));
            Until.True(() => ProcessThreads.IsAsleep("unsharing"), "who unshares waits for that answer");
        }

        unsharing.Finish();
        Assert.Equal(0, engine.Totals.PagesSharing);
        engine.VerifyAll();
    }

    [Fact]
    public void NobodyWaitsLongForAGuestThatIsLateAgainAndAgain()
    {
        var engine = Start(FaultMode.Signal);
        engine.AddRingGuest("well", Pages, static page => PageContent.Unique(1 + page), processId: 1);
        var late = engine.AddRingGuest(
            "late", Pages, static page => PageContent.Unique(1 + page), attach: false, processId: 2);
        late.Host.Attach();
        for (var pass = 0; pass < 100; pass++)
        {
            Assert.True(engine.Scan().Completed);
        }

        // Left alone for 1, 2, 4 ... passes: one order is asked for anew, if at all, each time.
        Assert.InRange(late.Host.Snapshot().Counters.OrdersLate, 1, 10);
    }

    private static ScanPass BeginPass(TestEngine engine, ChunkScan scan, long number) => new(
        engine.Engine.Registry, scan, new AgentCheck(engine.Engine.Options, TimeProvider.System), number,
        mayMerge: true, new MergeTally());

    private static void Step(ScanPass pass, long pages)
    {
        while (pages > 0)
        {
            pass.Step(Shim.OrderPages, out var done, out _);
            pages -= done;
        }
    }

    private static RingPair[] StartPairs(TestEngine engine)
    {
        RingPair[] pairs =
        [
            engine.AddRingGuest("one", Pages, static page => PageContent.Unique(1 + page)),
            engine.AddRingGuest("two", Pages, static page => PageContent.Unique(1 + page)),
        ];
        engine.Scan(); // all is known, and nothing stable yet: the next pass merges
        return pairs;
    }

    private static RingPair? Late(RingPair[] pairs) =>
        pairs.FirstOrDefault(static pair => pair.Host.State == IsolatedState.Late);

    private static long FramesOf(TestEngine engine)
    {
        lock (engine.Engine.Registry.Gate)
        {
            return engine.Engine.Registry.Domains.Sum(static domain => domain.Store.LiveFrames);
        }
    }

    private static void PassesUntil(TestEngine engine, Func<bool> isSo) =>
        Until.True(() => engine.Scan().Completed && isSo(), "it is so after some passes");

    private static void ConvergeUntil(TestEngine engine, long sharing) =>
        PassesUntil(engine, () => engine.Totals.PagesSharing == sharing);
}

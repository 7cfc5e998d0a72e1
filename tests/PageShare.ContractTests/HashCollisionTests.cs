using PageShare.Content;
using PageShare.TestKit;
using PageShare.TestKit.Proof;

namespace PageShare.ContractTests;

/// <summary>A hash never authorises a merge: with one that makes all pages collide, only equal bytes are
/// shared.</summary>
public sealed class HashCollisionTests : EngineTest
{
    private const int Pages = 64;

    private TestEngine StartColliding(FaultMode mode, bool tracking) =>
        Keep(TestEngine.Start(
            TestEngine.Defaults with { FaultMode = mode, TrackWrites = tracking }, new CollidingHasher()));

    [Theory, EverySetup]
    public void PagesOfEqualHashThatDifferAreNotSharedAndAreCounted(FaultMode mode, bool tracking)
    {
        var engine = StartColliding(mode, tracking);
        engine.AddGuest("first", Pages, static page => PageContent.Unique(page + 1));
        engine.AddGuest("second", Pages, static page => PageContent.Unique(page + 1001));

        var collisions = Scan(engine, passes: 4);

        Assert.True(collisions > 0);
        Assert.Equal(collisions, engine.Totals.HashCollisions);
        Assert.Equal(
            engine.Totals.HashCollisions,
            engine.Engine.Snapshot().Guests.Sum(static g => g.Counters.HashCollisions));
        Assert.Equal(0, engine.Totals.PagesSharing);
        Assert.Equal(2 * Pages, MemoryObjects.AllPages);
        engine.VerifyAll();
    }

    [Theory, EverySetup]
    public void ACollisionMergesNothing(FaultMode mode, bool tracking)
    {
        var engine = StartColliding(mode, tracking);
        engine.AddGuest("guest", 2, static page => PageContent.Unique(page + 1));

        var collisions = Scan(engine, passes: 4);

        Assert.True(collisions > 0);
        Assert.Equal(0, engine.Totals.PagesShared);
        Assert.Equal(0, engine.Totals.PagesSharing);
        Assert.Equal(2, MemoryObjects.PagesOf(MemoryObjects.Backings));
        Assert.Equal(0, MemoryObjects.PagesOf(MemoryObjects.Stores));
        engine.VerifyAll();
    }

    [Theory, EverySetup]
    public void EqualPagesAreStillSharedAmongOthersOfTheirHash(FaultMode mode, bool tracking)
    {
        var engine = StartColliding(mode, tracking);
        engine.AddGuest("first", Pages, static page => PageContent.Of(page < 8 ? 'x' : 'y'));
        engine.AddGuest("second", Pages, static page => PageContent.Unique(page + 1));
        Scan(engine, passes: 4);
        Assert.True(engine.Totals.PagesSharing > 0);
        engine.VerifyAll();
    }

    [Theory, EverySetup]
    public void PagesWithTheHashOfAZeroPageAreNotTakenForZero(FaultMode mode, bool tracking)
    {
        var engine = StartColliding(mode, tracking);
        var guest = engine.AddGuest(
            "guest", Pages, static page => page % 2 == 0 ? PageContent.Zero : PageContent.Unique(page + 1));
        Scan(engine, passes: 4);
        Assert.Equal(Pages / 2, engine.Totals.ZeroPages);
        Assert.Equal(Pages / 2, MemoryObjects.AllPages);

        for (var page = 0; page < Pages; page++) // every zero page becomes another, and every other a zero page
        {
            guest.Write(page, page % 2 == 1 ? PageContent.Zero : PageContent.Unique(page + 5000));
        }

        Scan(engine, passes: 4);
        Assert.Equal(Pages / 2, engine.Totals.ZeroPages);
        Assert.Equal(Pages / 2, MemoryObjects.AllPages);
        engine.VerifyAll();
    }

    [Theory, EverySetup]
    public void APageRewrittenWithTheSameHashIsNeitherLostNorMistaken(FaultMode mode, bool tracking)
    {
        var engine = StartColliding(mode, tracking);
        var first = engine.AddGuest("first", Pages, static _ => PageContent.Of('x'));
        engine.AddGuest("second", Pages, static _ => PageContent.Of('x'));
        for (var round = 0; round < 4; round++)
        {
            // To the engine it looks unchanged, and so stable, although every byte is another.
            first.WriteAll(page => PageContent.Unique((round * 1000) + page + 1));
            Scan(engine, passes: 2);
            engine.VerifyAll();
        }
    }

    private static long Scan(TestEngine engine, int passes) => Enumerable.Range(0, passes)
        .Sum(_ => engine.Scan().HashCollisions);

    private sealed class CollidingHasher : IPageHasher
    {
        public uint Hash(ReadOnlySpan<byte> page) => 0x1234_5678;
    }
}

using PageShare.TestKit;
using PageShare.TestKit.Proof;

namespace PageShare.ContractTests;

/// <summary>
/// The sequence that kernels test KSM with: three guests, filled with one letter each, refilled again and again; the
/// exact counters every time.
/// </summary>
public sealed class KsmSequenceTests : EngineTest
{
    private const int Pages = 600; // more than one merge order

    private TestEngine _engine = null!;

    [Theory, EverySetup]
    public void RefilledGuestsShareExactlyWhatIsEqualEachTime(FaultMode mode, bool tracking)
    {
        Begin(Start(mode, tracking));

        Fill('c', 'a', 'a');
        SharesExactly(frames: 2, sharing: (3 * Pages) - 2, unshared: 0);

        Fill('c', 'b', 'b');
        SharesExactly(frames: 2, sharing: (3 * Pages) - 2, unshared: 0);

        Fill('d', 'd', 'd');
        SharesExactly(frames: 1, sharing: (3 * Pages) - 1, unshared: 0);

        _engine.Guests[2].Write(Pages - 1, PageContent.Of('e'));
        SharesExactly(frames: 1, sharing: (3 * Pages) - 2, unshared: 1);

        _engine.Engine.UnshareAll();
        IsUnshared();
        SharesExactly(frames: 1, sharing: (3 * Pages) - 2, unshared: 1); // and all over again
    }

    [Theory, EverySetup]
    public void APageThatBecomesEqualAgainJoinsTheOthers(FaultMode mode, bool tracking)
    {
        Begin(Start(mode, tracking));
        Fill('c', 'c', 'c');
        _engine.Guests[1].Write(17, PageContent.Of('e'));
        SharesExactly(frames: 1, sharing: (3 * Pages) - 2, unshared: 1);
        _engine.Guests[1].Write(17, PageContent.Of('c'));
        SharesExactly(frames: 1, sharing: (3 * Pages) - 1, unshared: 0);
    }

    [Theory, EverySetup]
    public void AFrameGoesWithItsLastUser(FaultMode mode, bool tracking)
    {
        Begin(Start(mode, tracking));
        Fill('a', 'b', 'c');
        SharesExactly(frames: 3, sharing: (3 * Pages) - 3, unshared: 0);
        for (var page = 0; page < Pages; page++)
        {
            _engine.Guests[0].Write(page, PageContent.Unique(page + 1));
        }

        SharesExactly(frames: 2, sharing: (2 * Pages) - 2, unshared: Pages);
    }

    private void Begin(TestEngine engine)
    {
        _engine = engine;
        foreach (var name in new[] { "first", "second", "third" })
        {
            engine.AddGuest(name, Pages);
        }
    }

    private void Fill(params char[] letters)
    {
        for (var guest = 0; guest < letters.Length; guest++)
        {
            _engine.Guests[guest].WriteAll(_ => PageContent.Of(letters[guest]));
        }
    }

    private void SharesExactly(long frames, long sharing, long unshared)
    {
        _engine.Converge();
        var now = _engine.Totals;
        Assert.Equal(3 * Pages, now.PagesPopulated);
        Assert.Equal(frames, now.PagesShared);
        Assert.Equal(sharing, now.PagesSharing);
        Assert.Equal(unshared, now.PagesUnshared);
        Assert.Equal(0, now.PagesVolatile);
        Assert.Equal(frames, MemoryObjects.PagesOf(MemoryObjects.Stores));
        Assert.Equal(unshared, MemoryObjects.PagesOf(MemoryObjects.Backings));
        _engine.VerifyAll();
    }

    private void IsUnshared()
    {
        var now = _engine.Totals;
        Assert.Equal(0, now.PagesShared);
        Assert.Equal(0, now.PagesSharing);
        Assert.Equal(0, now.SavedBytes);
        Assert.Equal(3 * Pages, MemoryObjects.PagesOf(MemoryObjects.Backings));
        Assert.Equal(0, MemoryObjects.PagesOf(MemoryObjects.Stores));
        _engine.VerifyAll();
    }
}

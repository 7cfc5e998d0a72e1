using PageShare.TestKit;
using PageShare.TestKit.Points;
using PageShare.TestKit.Proof;

namespace PageShare.ContractTests.Races;

/// <summary>
/// Pages whose mapping changes again and again, between pages that others load from and store to. On Windows a view is
/// unmapped and mapped again for its neighbour's sake, and is not there for a moment.
/// </summary>
public sealed unsafe class ReplacedViewTests : EngineTest
{
    private const int Pages = 48; // in one view of Windows
    private const int PageBytes = PageContent.Bytes;

    private static readonly int Rounds = Wine.Else(150, here: 6);

    private volatile bool _isOver;
    private long _loads;
    private long _stores;

    [Theory, BothModes]
    public void LoadsAndStoresBesidePagesThatAreMergedAndBrokenGoOnUndisturbed(FaultMode mode)
    {
        var engine = Start(mode);
        var guest = engine.AddGuest("guest", Pages, ContentOf);
        engine.AddGuest("other", Pages, static page => PageContent.Unique(page + 1));
        Actor[] actors =
        [
            Actor.Start("reader", () => Load(guest)),
            Actor.Start("writer", () => Store(guest, page: 1)),
            Actor.Start("other writer", () => Store(guest, page: Pages - 2)),
        ];
        var merged = 0L;
        try
        {
            for (var round = 0; round < Rounds; round++)
            {
                merged += engine.Scan().PagesMerged;
                for (var page = 0; page < Pages; page += 3)
                {
                    guest.Guest.EnsureWritable(page * PageBytes, PageBytes);
                }
            }
        }
        finally
        {
            _isOver = true;
            Array.ForEach(actors, static actor => actor.Finish());
        }

        Assert.True(merged >= Rounds, $"Only {merged} pages were merged.");
        Assert.True(_loads > 0 && _stores > 0);
    }

    /// <summary>Every third page has its like in the other guest.</summary>
    private static PageContent ContentOf(long page) => PageContent.Unique(page % 3 == 0 ? page + 1 : 1000 + page);

    /// <summary>Pages that nobody writes: each byte is what it was, whatever happens around them.</summary>
    private void Load(OracleGuest guest)
    {
        for (; !_isOver; Interlocked.Increment(ref _loads))
        {
            for (var page = 0; page < Pages; page++)
            {
                var isWritten = page is 1 or Pages - 2;
                Assert.True(isWritten || ContentOf(page).IsIn(guest[page]));
            }
        }
    }

    /// <summary>A page that this thread alone writes holds what it stored last.</summary>
    private void Store(OracleGuest guest, int page)
    {
        // SAFETY: a page of the guest, which the test keeps.
        var counter = (long*)guest.AddressOf(page);
        for (var value = 1L; !_isOver; value++)
        {
            Volatile.Write(ref *counter, value);
            var found = Volatile.Read(ref *counter);
            if (found != value)
            {
                Assert.Fail($"Stored {value}, found {found}.");
            }

            Interlocked.Increment(ref _stores);
        }
    }
}

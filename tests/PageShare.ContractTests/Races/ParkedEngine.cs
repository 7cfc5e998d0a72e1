using PageShare.PageTable;
using PageShare.TestKit;
using PageShare.TestKit.Points;
using PageShare.TestKit.Proof;

namespace PageShare.ContractTests.Races;

/// <summary>
/// Two guests that share everything, and a third that is about to join them: its pages were hashed once, so the next
/// pass merges it with frames that exist, in one order.
/// </summary>
public abstract class ParkedEngine : EngineTest
{
    /// <summary>Pages of a guest.</summary>
    protected const int Pages = 24;

    /// <summary>The first page of the third guest's run: the stretch that gates see begins here.</summary>
    protected const int First = 4;

    /// <summary>A page in the middle of the run.</summary>
    protected const int Victim = 10;

    private const int End = 16;

    /// <summary>The engine.</summary>
    internal TestEngine Engine { get; private set; } = null!;

    /// <summary>The first guest, which shares.</summary>
    internal OracleGuest Settled => Engine.Guests[0];

    /// <summary>The second guest, which shares too.</summary>
    internal OracleGuest Other => Engine.Guests[1];

    /// <summary>The third guest: private as yet.</summary>
    internal OracleGuest Joining => Engine.Guests[2];

    /// <summary>Prepares the three guests.</summary>
    /// <param name="mode">Their fault mode.</param>
    /// <param name="joining">What the run of the third holds; null for what the others hold.</param>
    protected void Prepare(FaultMode mode, PageContent? joining = null)
    {
        Engine = Start(mode);
        Engine.AddGuest("settled", Pages, static page => PageContent.Unique(page + 1));
        Engine.AddGuest("other", Pages, static page => PageContent.Unique(page + 1));
        Engine.Converge();
        Engine.AddGuest("joining", Pages, page => page is >= First and < End
            ? joining ?? PageContent.Unique(page + 1)
            : PageContent.Unique(page + 1000));
        Engine.Scan();
    }

    /// <summary>Prepares three guests that share.</summary>
    protected void PrepareShared(FaultMode mode)
    {
        Prepare(mode);
        Engine.Converge();
    }

    /// <summary>A pass on a thread of its own, stopped at the point.</summary>
    internal Actor ParkScan(Gate gate)
    {
        var scan = Actor.Start("scanner", () => Engine.Scan());
        gate.Await();
        return scan;
    }

    /// <summary>Stores a byte on a thread of its own, and remembers that it should be there.</summary>
    internal static unsafe Actor Store(OracleGuest guest, long page, int offset, byte value)
    {
        guest.Expect(page, offset, value);
        return Actor.Store(guest.AddressOf(page, offset), value);
    }

    /// <summary>While threads stand at gates, the rest of the process goes on: garbage is collected, other guests
    /// write.</summary>
    protected void TheRestGoesOn()
    {
        GC.Collect();
        Assert.True(PageContent.Unique(Victim + 1).IsIn(Settled[Victim]));
        Other.Write(Pages - 1, 77, 78);
    }

    /// <summary>All bytes are right, nothing is left half done, and what was equal is shared, and can be
    /// unshared.</summary>
    protected void EndsWell()
    {
        Gate.OpenAll();
        Engine.VerifyAll();
        Engine.Converge();
        Engine.VerifyAll();
        Engine.Engine.UnshareAll();
        Engine.Scan();
        Assert.Equal(0, MemoryObjects.PagesOf(MemoryObjects.Stores));
        Engine.VerifyAll();
        Engine.Converge();
        Assert.True(Engine.Totals.PagesSharing >= Pages - 4);
        Engine.VerifyAll();
    }

    /// <summary>How a page of the third guest is mapped.</summary>
    internal PageState StateOfJoining(long page) => EngineBooks.StateOf(Joining, page);
}

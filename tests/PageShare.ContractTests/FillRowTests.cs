using PageShare.Merge;
using PageShare.Platform;
using PageShare.TestKit;
using PageShare.TestKit.Proof;

namespace PageShare.ContractTests;

/// <summary>When mappings are short, one mapping shows many pages of one content.</summary>
public sealed class FillRowTests : EngineTest
{
    private const int Pages = 1600;
    private const int Budget = 100;

    [Theory, BothModes]
    public void AStretchOfOneContentTakesAMappingForManyPages(FaultMode mode)
    {
        RequireRuns(mode);
        var engine = Start(TestEngine.Defaults with { FaultMode = mode, MappingBudget = Budget });
        engine.AddGuest("first", Pages, Filled);
        engine.AddGuest("second", Pages, Filled);

        engine.Converge();

        // Two fill patterns; the first page of each may stay what it is, and so may the edges of stretches.
        Assert.InRange(MemoryObjects.AllPages, 2, (2 * 2 * FillRows.MostCopies) + 16);
        Assert.Equal((2 * Pages) - MemoryObjects.AllPages, engine.Totals.SavedBytes / PageContent.Bytes);
        Assert.True(engine.Totals.MappingsUsed <= Budget);
        engine.VerifyAll();
    }

    [Theory, BothModes]
    public void CopiesGoWithTheirUsers(FaultMode mode)
    {
        RequireRuns(mode);
        var engine = Start(TestEngine.Defaults with { FaultMode = mode, MappingBudget = Budget });
        var guest = engine.AddGuest("only", Pages, Filled);
        engine.Converge();
        Assert.True(engine.Totals.PagesShared > 2, "copies");

        guest.WriteAll(static page => PageContent.Unique(page + 1));
        engine.Scan();

        Assert.Equal(0, engine.Totals.PagesShared);
        Assert.Equal(Pages, MemoryObjects.AllPages);
        engine.VerifyAll();
    }

    [Theory, BothModes]
    public void NothingIsCopiedWhereMappingsSuffice(FaultMode mode)
    {
        var engine = Start(mode);
        engine.AddGuest("only", Pages, Filled);

        engine.Converge();

        Assert.Equal(2, engine.Totals.PagesShared);
        Assert.Equal(2, MemoryObjects.AllPages);
    }

    [Theory, BothModes]
    public void GuestsInProcessesOfTheirOwnHaveThemToo(FaultMode mode)
    {
        var engine = Start(TestEngine.Defaults with { FaultMode = mode, MappingBudget = Budget });
        engine.AddRingGuest("first", Pages, Filled, processId: 1);
        engine.AddRingGuest("second", Pages, Filled, processId: 2);

        engine.Converge();

        Assert.InRange(MemoryObjects.AllPages, 2, (2 * 2 * FillRows.MostCopies) + 16);
        engine.VerifyAll();
    }

    private static void RequireRuns(FaultMode mode) => Assert.SkipWhen(
        HostPlatform.Create().MapsSharedPagesSingly(mode),
        "needs Linux: here each page that shares is a view by itself.");

    private static PageContent Filled(long page) => page < Pages / 2 ? PageContent.Of('a') : PageContent.Of('b');
}

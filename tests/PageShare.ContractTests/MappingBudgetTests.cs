using PageShare.PageTable;
using PageShare.Platform;
using PageShare.TestKit;
using PageShare.TestKit.Proof;

namespace PageShare.ContractTests;

/// <summary>Mappings are counted and capped, and the longest runs come first.</summary>
public sealed class MappingBudgetTests : EngineTest
{
    private const int Pages = 1200;
    private static readonly int[] RunLengths = [1, 2, 8, 64];
    private const int RunsOfEachLength = 4;
    private const int OthersOnWindows = 3000; // the runtime's own, which a given budget does not make room for

    /// <summary>Layouts that ask for far more mappings than there are, each in its own way.</summary>
    public static TheoryData<string, int, FaultMode> Crowds()
    {
        var data = new TheoryData<string, int, FaultMode>();
        foreach (var layout in new[] { "fill", "alternate", "reversed", "shuffled" })
        {
            foreach (var budget in new[] { 0, 20, 100, 1000 })
            {
                data.Add(layout, budget, FaultMode.Signal);
                data.Add(layout, budget, FaultMode.Kernel);
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Crowds))]
    public void MappingsStayWithinTheBudgetAfterEveryPass(string layout, int budget, FaultMode mode)
    {
        var engine = StartWithBudget(mode, budget);
        engine.AddGuest("first", Pages, page => Layout(layout, guest: 0, page));
        engine.AddGuest("second", Pages, page => Layout(layout, guest: 1, page));
        var shared = 0L;
        for (var pass = 0; pass < 6; pass++)
        {
            engine.Scan();
            IsWithinBudget(engine, budget);
            shared = engine.Totals.PagesSharing;
        }

        Assert.Equal(budget >= 20, shared > 0); // the budget is used, too
        engine.VerifyAll();
    }

    [Theory, BothModes]
    public void MappingsCountedAreThoseThatTheKernelHas(FaultMode mode)
    {
        var engine = Start(mode);
        engine.AddGuest("first", Pages, static page => Layout("fill", 0, page));
        engine.AddGuest("second", Pages, static page => Layout("alternate", 1, page));
        engine.AddGuest("third", Pages, static page => Layout("alternate", 0, page));
        CountsMappingsRight(engine);
        engine.Converge();
        CountsMappingsRight(engine);
        for (var page = 0; page < Pages; page += 7)
        {
            engine.Guests[2].Write(page, 9, 9);
        }

        engine.Scan();
        CountsMappingsRight(engine);
        engine.Engine.UnshareAll();
        engine.Scan();
        engine.Engine.UnshareAll();
        CountsMappingsRight(engine);
    }

    [Theory, BothModes]
    public void TheLongestRunsAreSharedWhenThereIsNotRoomForAll(FaultMode mode)
    {
        RequireRuns(mode);

        // Two guests with four runs of each length, two mappings a run: room for those of 64 and of 8 pages.
        var room = 2 + (2 * 2 * RunsOfEachLength * 2);
        var engine = StartWithBudget(mode, room + 6);
        var (runs, pages) = LayOutRuns();
        engine.AddGuest("first", pages, page => InRuns(runs, page));
        engine.AddGuest("second", pages, page => InRuns(runs, page));

        engine.Converge();

        IsWithinBudget(engine, room + 6);
        foreach (var guest in engine.Guests)
        {
            Assert.Equal(64 * RunsOfEachLength, SharedPages(guest, runs, 64));
            Assert.Equal(8 * RunsOfEachLength, SharedPages(guest, runs, 8));
            Assert.Equal(0, SharedPages(guest, runs, 1));
        }

        engine.VerifyAll();
    }

    [Theory]
    [InlineData(FaultMode.Signal, 2048, 2048)]
    [InlineData(FaultMode.Kernel, 2048, 2048)]
    [InlineData(FaultMode.Signal, 3, 40)] // more of them than there is room for
    [InlineData(FaultMode.Kernel, 3, 40)]
    public void ShortRunsMakeRoomForLongOnesThatComeLater(FaultMode mode, int length, int sharing)
    {
        const int Budget = 100;
        const int Later = 2048;
        RequireRuns(mode);
        var engine = StartWithBudget(mode, Budget);
        engine.AddGuest("first", Pages, static page => Layout("alternate", 0, page));
        engine.AddGuest("second", Pages, static page => Layout("alternate", 1, page));
        engine.Converge();
        Assert.True(engine.Totals.PagesSharing is > 10 and < Budget);

        foreach (var number in new[] { 1, 2 })
        {
            engine.AddGuest($"later-{number}", Later, page => page % (length + 1) < length || length == Later
                ? PageContent.Unique(page + 500_000)
                : PageContent.Unique((number * 1_000_000) + page));
        }

        for (var pass = 0; pass < 10; pass++)
        {
            engine.Scan();
            IsWithinBudget(engine, Budget); // at no moment there are too many
        }

        var shared = PageWordText.CountSharing(engine.Guests[2].Guest);
        Assert.True(shared >= sharing, $"{shared} pages of those that came later share.");
        engine.VerifyAll();
    }

    [Theory, BothModes]
    public void RunsCutToPiecesByWritesAreUnshared(FaultMode mode)
    {
        const int Budget = 60;
        RequireRuns(mode);
        var engine = StartWithBudget(mode, Budget);
        engine.AddGuest("first", Pages, static page => PageContent.Unique(page + 1));
        engine.AddGuest("second", Pages, static page => PageContent.Unique(page + 1));
        engine.Converge();
        Assert.Equal(Pages, engine.Totals.PagesSharing);

        for (var page = 101; page < 400; page += 2) // 300 mappings
        {
            engine.Guests[0].Write(page, 0, 1);
        }

        engine.Scan(); // sees that it is too much
        engine.Scan(); // does something about it
        engine.Scan();

        IsWithinBudget(engine, Budget);
        Assert.True(engine.Totals.PagesSharing >= Pages - 300 - 100, "The long runs should still be shared.");
        engine.VerifyAll();
    }

    [Theory, BothModes]
    public void AFullDefaultBudgetLeavesTheProcessRoomAndGuestsCanWrite(FaultMode mode)
    {
        // Windows has no limit. There it is 16,384 views that are to do no harm.
        var limit = HostPlatform.IsLinux ? HostPlatform.Create().MappingLimit : 2 * 16_384;
        Assert.SkipWhen(limit > 100_000, $"needs vm.max_map_count near its old default of 65530; here it is {limit}.");
        var engine = HostPlatform.IsLinux ? Start(mode) : StartWithBudget(mode, limit / 2);
        var pages = (limit / 2) + 2000;
        engine.AddGuest("first", pages, static page => page % 2 == 0 ? PageContent.Of('x') : PageContent.Zero);
        engine.Converge();

        var now = engine.Totals;
        Assert.InRange(now.MappingsUsed, now.MappingsLimit * 8 / 10, now.MappingsLimit);
        Assert.InRange(
            ProcessMappings.Count,
            now.MappingsUsed * 9 / 10,
            (limit / 2) + (HostPlatform.IsLinux ? 100 : CutsIn(engine.Guests[0]) + OthersOnWindows));
        for (var page = 0; page < pages; page += 5)
        {
            engine.Guests[0].Write(page, page % PageContent.Bytes, 7);
        }

        engine.AddGuest("second", 64, static _ => PageContent.Of('y'));
        engine.Scan();
        Assert.True(engine.Totals.MappingsUsed <= engine.Totals.MappingsLimit);
        engine.Engine.UnshareAll();
        engine.VerifyAll();
    }

    private static void RequireRuns(FaultMode mode) => Assert.SkipWhen(
        HostPlatform.Create().MapsSharedPagesSingly(mode),
        "needs Linux: here each page that shares is a view by itself, and no run is worth more than another.");

    private TestEngine StartWithBudget(FaultMode mode, int budget) =>
        Start(TestEngine.Defaults with { FaultMode = mode, MappingBudget = budget });

    private static PageContent Layout(string layout, int guest, long page) => layout switch
    {
        "fill" => PageContent.Of('c'),
        "alternate" when page % 2 == 0 => PageContent.Unique(page + 1),
        "alternate" => PageContent.Unique((100_000 * (guest + 1)) + page),
        "reversed" => PageContent.Unique(guest == 0 ? page + 1 : Pages - page),
        "shuffled" => PageContent.Unique(guest == 0 ? page + 1 : (page * 7 % Pages) + 1),
        _ => throw new ArgumentOutOfRangeException(nameof(layout)),
    };

    // By the engine's count, and by the kernel's own of the guests' ranges.
    private static void IsWithinBudget(TestEngine engine, int budget)
    {
        var now = engine.Totals;
        Assert.True(
            now.MappingsUsed <= now.MappingsLimit || budget == 0, $"{now.MappingsUsed} of {now.MappingsLimit}.");
        var mappings = engine.Guests.Sum(MappingsOf);
        var allowed = Math.Max(budget, engine.Guests.Count) + engine.Guests.Sum(CutsIn);
        Assert.True(mappings <= allowed, $"{mappings} mappings of guests, {allowed} allowed.");
    }

    private static void CountsMappingsRight(TestEngine engine)
    {
        var now = engine.Engine.Snapshot();
        foreach (var (guest, counted) in engine.Guests.Zip(now.Guests.Select(static g => g.Counters.MappingsUsed)))
        {
            Assert.InRange(MappingsOf(guest), counted, counted + CutsIn(guest));
        }
    }

    private static int CutsIn(OracleGuest guest) => ProcessMappings.CutsIn(guest.Pages);

    private static unsafe int MappingsOf(OracleGuest guest) =>
        ProcessMappings.Of(guest.AddressOf(0), guest.Guest.Length).Count;

    // Runs of every length in turn, with a page between two.
    private static (Dictionary<long, int> LengthOfPage, long Pages) LayOutRuns()
    {
        var lengths = new Dictionary<long, int>();
        var page = 1L;
        for (var i = 0; i < RunsOfEachLength; i++)
        {
            foreach (var length in RunLengths)
            {
                for (var end = page + length; page < end; page++)
                {
                    lengths[page] = length;
                }

                page++;
            }
        }

        return (lengths, page);
    }

    // Holes between them, which nothing bridges.
    private static PageContent InRuns(Dictionary<long, int> runs, long page) => runs.ContainsKey(page)
        ? PageContent.Unique(page + 1)
        : PageContent.Zero;

    private static int SharedPages(OracleGuest guest, Dictionary<long, int> runs, int length) =>
        runs.Count(run => run.Value == length && PageStates.IsShared(EngineBooks.StateOf(guest, run.Key)));
}

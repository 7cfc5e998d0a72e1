using PageShare.Content;
using PageShare.Merge;
using PageShare.Scan;
using PageShare.TestKit;

namespace PageShare.StressTests;

/// <summary>Passes step by step, as the background scanner makes them: what the oracle met by chance, for
/// certain.</summary>
public sealed class ScanPassTests : EngineTest
{
    // More than a stretch, and not a multiple of the slices.
    private const int Pages = 1300;
    private const int PagesOfSlice = 100;

    [Theory, BothModes]
    public void PassesInSlicesOfAnySizeGoOverEveryPageAndShareWhatIsEqual(FaultMode mode)
    {
        var engine = Start(mode);
        var noLarger = new GuestOptions { MaximumBytes = Pages * PageContent.Bytes };
        engine.AddGuest("guest", Pages, static page => PageContent.Unique(1 + (page % 100)), noLarger);
        using var team = new ScanTeam(engine.Engine.Options.ScannerThreads);
        var scan = new ChunkScan(engine.Engine.Options, new XxHash3PageHasher(1), team);
        for (var number = 0; number < 20; number++)
        {
            var scanned = 0;
            var pass = BeginPass(engine, scan, number);
            for (var isMore = true; isMore;)
            {
                isMore = pass.Step(PagesOfSlice, out var pages, out _);
                scanned += pages;
            }

            Assert.Equal(Pages, scanned);
        }

        engine.VerifyAll();
        Assert.Equal(engine.OptimumPages, engine.Totals.PagesSharing);
    }

    [Theory, BothModes]
    public void APassUnderWayLeavesAloneWhatIsDisposedEvenWhileAPinKeepsItsMemory(FaultMode mode)
    {
        var engine = Start(mode);
        var guest = engine.AddGuest("guest", Pages, static page => PageContent.Unique(1 + page)).Guest;
        using var team = new ScanTeam(engine.Engine.Options.ScannerThreads);
        var scan = new ChunkScan(engine.Engine.Options, new XxHash3PageHasher(1), team);
        var pass = BeginPass(engine, scan, 0);
        Assert.True(pass.Step(PagesOfSlice, out var before, out _));
        Assert.Equal(PagesOfSlice, before);
        using (guest.PinWritable(0, PageContent.Bytes))
        {
            guest.Dispose();
            Assert.False(pass.Step(PagesOfSlice, out var after, out _));
            Assert.Equal(0, after);
        }
    }

    private static ScanPass BeginPass(TestEngine engine, ChunkScan scan, long number) => new(
        engine.Engine.Registry, scan, new AgentCheck(engine.Engine.Options, TimeProvider.System), number,
        mayMerge: true, new MergeTally());
}

using PageShare.TestKit;
using PageShare.TestKit.Proof;

namespace PageShare.ContractTests;

/// <summary>The scanner's own thread: that it works, rests, goes on and ends.</summary>
public sealed class BackgroundScannerTests : EngineTest
{
    private const int Pages = 200;
    private const string ThreadName = "PageShare scann"; // as much as the kernel keeps of it

    private static EngineOptions Eager { get; } = TestEngine.Defaults with
    {
        BackgroundScanning = true,
        ScanWhenBusy = true,
        PagesPerSecond = 1_000_000,
        CpuBudgetPercent = 100,
    };

    private TestEngine StartWithGuests(EngineOptions options)
    {
        var engine = Start(options);
        engine.AddGuest("first", Pages, static page => PageContent.Unique(page + 1));
        engine.AddGuest("second", Pages, static page => PageContent.Unique(page + 1));
        return engine;
    }

    [Theory, BothModes]
    public void ItSharesWhatIsEqualWithoutBeingAsked(FaultMode mode)
    {
        var engine = StartWithGuests(Eager with { FaultMode = mode });
        Until.True(() => engine.Totals.PagesSharing == Pages, "everything is shared");
        engine.Guests[0].Write(3, 3, 3);
        engine.Guests[1].Write(3, 3, 3);
        Until.True(
            () => engine.Totals is { PagesSharing: Pages, CowFaults: 2 },
            "what was broken and is equal again is shared again");
        engine.Engine.Pause();
        engine.Scan(); // waits for a slice under way
        engine.VerifyAll();
    }

    [Theory, BothModes]
    public void PauseEndsPassesAndResumeBeginsThemAgain(FaultMode mode)
    {
        const int OwnPasses = 3000;
        var engine = StartWithGuests(Eager with { FaultMode = mode });
        Until.True(() => engine.Totals.FullScans > 3, "passes are made");

        engine.Engine.Pause();
        Assert.True(engine.Engine.IsPaused);
        engine.Scan();
        var before = engine.Totals.FullScans;
        for (var pass = 0; pass < OwnPasses; pass++) // which go on, paused or not
        {
            engine.Scan();
        }

        // One slice may have been granted already.
        Assert.InRange(engine.Totals.FullScans - before, OwnPasses, OwnPasses + 1);
        engine.Engine.Resume();
        Assert.False(engine.Engine.IsPaused);
        before = engine.Totals.FullScans;
        Until.True(() => engine.Totals.FullScans > before + 3, "passes are made again");
    }

    [Fact]
    public void ABusyMachineIsStillScannedAtTheFloor()
    {
        var engine = StartWithGuests(TestEngine.Defaults with
        {
            BackgroundScanning = true,
            IdleThresholdPercent = 100,
            PressureLimitPercent = 0.1,
            MinimumPagesPerSecond = 5000,
        });
        Until.True(() => engine.Totals.PagesSharing == Pages, "everything is shared");
    }

    [Fact]
    public void WithoutBackgroundScanningThereIsNoThreadAndNothingHappens()
    {
        var engine = StartWithGuests(TestEngine.Defaults);
        Assert.Equal(0, CountThreads());
        Assert.Equal(0, engine.Totals.PagesScanned);
    }

    [Fact]
    public void DisposeEndsTheThread()
    {
        var engine = StartWithGuests(Eager);
        Until.True(() => CountThreads() == 1, "there is a thread");
        engine.Engine.Dispose();
        Until.True(() => CountThreads() == 0, "the thread has gone"); // the kernel's part lives on for a moment
    }

    [Fact]
    public void SeveralThreadsRestWhilePausedAndEndWithTheEngine()
    {
        var engine = StartWithGuests(Eager with { ScannerThreads = 3 });
        Until.True(() => engine.Totals.PagesSharing == Pages, "everything is shared");
        Assert.Equal(3, CountThreads());
        engine.Engine.Pause();
        engine.Scan(); // waits for a slice under way
        var before = engine.Totals.FullScans;
        engine.VerifyAll();
        Assert.InRange(engine.Totals.FullScans, before, before + 1);
        engine.Engine.Dispose();
        Until.True(() => CountThreads() == 0, "the threads have gone");
    }

    [Fact]
    public async Task DisposeAsyncEndsTheThreadToo()
    {
        var engine = StartWithGuests(Eager);
        engine.Engine.Pause(); // while it sleeps
        await engine.Engine.DisposeAsync();
        Until.True(() => CountThreads() == 0, "the thread has gone");
    }

    [Fact]
    public void AnEngineWithoutGuestsCanBeScanned()
    {
        var engine = Start(Eager);
        var pass = engine.Scan();
        Assert.True(pass.Completed);
        Assert.Equal(0, pass.PagesScanned);
        Assert.Equal(0, engine.Totals.FullScans); // a pass over nothing is none
    }

    [Fact]
    public void GuestsMayComeAndGoWhileItScans()
    {
        var engine = StartWithGuests(Eager);
        for (var round = 0; round < 30; round++)
        {
            var content = round;
            var guest = engine.AddGuest($"guest-{round}", Pages, page => PageContent.Unique(page + content));
            var passes = engine.Totals.FullScans;
            Until.True(() => engine.Totals.FullScans > passes + (content % 3), "it is scanned");
            guest.Verify();
            guest.Guest.Dispose();
        }

        engine.Engine.Pause();
        engine.Scan();
        engine.VerifyAll();
    }

    [Fact]
    public void ACancelledPassSaysSoAndThrowsNothing()
    {
        var engine = StartWithGuests(TestEngine.Defaults);
        using var cancellation = new CancellationTokenSource();
        cancellation.Cancel();
        var pass = engine.Engine.ScanOnce(cancellation.Token);
        Assert.False(pass.Completed);
        Assert.Equal(0, pass.PagesScanned);
        Assert.Equal(0, engine.Totals.FullScans);
        engine.Converge();
        Assert.Equal(Pages, engine.Totals.PagesSharing);
    }

    [Theory, BothModes]
    public void APassCancelledHalfWayIsMadeUpForByTheNext(FaultMode mode)
    {
        const int Many = 3000; // several stretches
        using var cancellation = new CancellationTokenSource();
        var hasher = new CancellingHasher(cancellation, after: 1000);
        var engine = Keep(TestEngine.Start(TestEngine.Defaults with { FaultMode = mode }, hasher));
        engine.AddGuest("first", Many, static page => PageContent.Unique(page + 1));
        engine.AddGuest("second", Many, static page => PageContent.Unique(page + 1));
        var pass = engine.Engine.ScanOnce(cancellation.Token);
        Assert.False(pass.Completed);
        Assert.InRange(pass.PagesScanned, 1000, Many);
        Assert.Equal(pass.PagesScanned, engine.Totals.PagesScanned);
        engine.Converge();
        Assert.Equal(Many, engine.Totals.PagesSharing);
        engine.VerifyAll();
    }

    private sealed class CancellingHasher(CancellationTokenSource cancellation, int after) : Content.IPageHasher
    {
        private readonly Content.XxHash3PageHasher _hasher = new(seed: 1);
        private int _pages;

        public uint Hash(ReadOnlySpan<byte> page)
        {
            if (++_pages == after)
            {
                cancellation.Cancel();
            }

            return _hasher.Hash(page);
        }
    }

    private static int CountThreads() => ProcessThreads.CountNamed(ThreadName);
}

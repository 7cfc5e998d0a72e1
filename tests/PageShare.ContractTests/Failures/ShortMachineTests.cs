using PageShare.Platform;
using PageShare.TestKit;
using PageShare.TestKit.Proof;

namespace PageShare.ContractTests.Failures;

/// <summary>The machine runs short of what the host itself needs: memory for frames, descriptors, or answers.</summary>
public sealed class ShortMachineTests : EngineTest
{
    private const int Pages = 64;

    private readonly ShortPlatform _machine = new();

    private TestEngine StartShort(FaultMode mode, EngineOptions? options = null)
    {
        options = (options ?? TestEngine.Defaults) with { FaultMode = mode };
        var engine = Keep(TestEngine.Start(options, hasher: null, _machine));
        foreach (var name in new[] { "first", "second" })
        {
            engine.AddGuest(
                name, Pages, static page => page % 4 == 0 ? PageContent.Zero : PageContent.Unique(page + 1));
        }

        return engine;
    }

    [Theory, BothModes]
    public void WithoutMemoryForFramesNothingIsSharedUntilThereIsSome(FaultMode mode)
    {
        var engine = StartShort(mode);
        _machine.HasNoMemoryToWrite = true;
        engine.Converge();
        Assert.Equal(0, engine.Totals.PagesSharing);
        Assert.Equal(Pages / 2, engine.Totals.ZeroPages); // this gives memory back, and takes none
        engine.VerifyAll();
        _machine.HasNoMemoryToWrite = false;
        SharesAll(engine);
    }

    [Theory, BothModes]
    public void AStoreThatCannotGrowIsToldAndLeavesNoFrameBehind(FaultMode mode) =>
        IsToldAndRecovers(mode, short_ => _machine.CannotGrow = short_, hasWritten: false);

    [Theory, BothModes]
    public void AFrameThatCannotBeGivenBackIsToldAndGivenBackLater(FaultMode mode) =>
        IsToldAndRecovers(mode, short_ => _machine.CannotPunch = short_, hasWritten: true);

    [Theory, BothModes]
    public void PagesThatCannotBeAskedForAreToldAndAskedForLater(FaultMode mode) =>
        IsToldAndRecovers(mode, short_ => _machine.CannotTellResidency = short_, hasWritten: false);

    /// <summary>Where no system tells of breaks, that stays.</summary>
    private static bool IsOfKernelBreaks(string warning) =>
        warning.StartsWith("Breaks in mode Kernel are counted at the next pass", StringComparison.Ordinal);

    [Theory, BothModes]
    public void TheBackgroundScannerOutlivesAShortage(FaultMode mode)
    {
        _machine.CannotTellResidency = true;
        var engine = StartShort(mode, TestEngine.Defaults with
        {
            BackgroundScanning = true,
            ScanWhenBusy = true,
            PagesPerSecond = 100_000,
            CpuBudgetPercent = 100,
        });
        Until.True(() => _machine.Refusals > 3, "the scanner meets the shortage again and again");
        _machine.CannotTellResidency = false;
        Until.True(() => engine.Totals.PagesSharing == Pages * 3 / 4, "the scanner goes on");
        Until.True(() => engine.Engine.Snapshot().Warnings.All(IsOfKernelBreaks), "the warning goes with its reason");
        engine.Engine.Pause();
        engine.Verify();
    }

    [Fact]
    public void AGuestForWhichThereAreNoDescriptorsIsRefusedAndLeavesNothing()
    {
        const int Attempts = 64;
        var engine = StartShort(FaultMode.Signal);
        _machine.HasNoDescriptors = true;
        AreRefused(engine, attempts: 2);
        var mappings = ProcessMappings.Count;
        AreRefused(engine, Attempts);
        Assert.InRange(ProcessMappings.Count, 0, mappings + (Attempts / 2)); // the runtime's own come and go
        Assert.Equal(2, engine.Engine.Guests.Count);
        Assert.Single(engine.Engine.Snapshot().Domains);
        _machine.HasNoDescriptors = false;
        SharesAll(engine);
    }

    /// <summary>A pass that fails leaves nothing half looked at: what it had on its list is on the next one's.</summary>
    [Theory, BothModes]
    public void AHoleThatAReadHasFilledIsFreedAlthoughAPassHasFailed(FaultMode mode)
    {
        const int Stretch = 512;
        var engine = Keep(TestEngine.Start(TestEngine.Defaults with { FaultMode = mode }, hasher: null, _machine));
        var guest = engine.AddGuest(
            "guest", Stretch, static page => page == 0 ? PageContent.Zero : PageContent.Unique(page));
        engine.Converge();
        Assert.Equal(Stretch - 1, MemoryObjects.AllPages);
        Assert.Equal(0, guest[0][0]); // a read, which fills the hole
        Assert.Equal(Stretch, MemoryObjects.AllPages);

        _machine.CannotTellResidency = true;
        Assert.Throws<PlatformException>(() => engine.Scan());
        _machine.CannotTellResidency = false;
        engine.Scan();
        Assert.Equal(Stretch - 1, MemoryObjects.AllPages);
        engine.VerifyAll();
    }

    private static void AreRefused(TestEngine engine, int attempts)
    {
        var ownDomain = new GuestOptions { Domain = "new" };
        for (var i = 0; i < attempts; i++)
        {
            var thrown = Assert.Throws<PlatformException>(() => engine.Engine.CreateGuest("third", PageContent.Bytes));
            Assert.Equal(24, thrown.ErrorCode);
            Assert.Throws<PlatformException>(() => engine.Engine.CreateGuest("fourth", PageContent.Bytes, ownDomain));
        }
    }

    private void IsToldAndRecovers(FaultMode mode, Action<bool> run, bool hasWritten)
    {
        var engine = StartShort(mode);
        if (hasWritten)
        {
            engine.Converge();
            foreach (var guest in engine.Guests)
            {
                guest.WriteAll(static page => PageContent.Unique(page + 5000)); // all frames have lost their users
            }
        }

        run(true);
        for (var pass = 0; pass < 3; pass++)
        {
            Assert.True(Record.Exception(() => engine.Scan()) is null or PlatformException);
            engine.Verify();
        }

        run(false);
        SharesAll(engine);
    }

    private static void SharesAll(TestEngine engine)
    {
        engine.Converge();
        Assert.Equal(engine.OptimumPages, (Pages * engine.Guests.Count) - MemoryObjects.AllPages);
        engine.VerifyAll();
    }
}

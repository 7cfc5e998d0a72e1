using PageShare.Scan;

namespace PageShare.UnitTests.Scan;

public sealed class ScanPacerTests
{
    private const long GibibytePages = 262_144;

    private readonly SimulatedTime _time = new();

    [Fact]
    public void FullPassTakesTheTargetTime()
    {
        var (pacer, advisor) = Create(targetSeconds: 20, cpuBudgetPercent: 25);
        advisor.Pages = GibibytePages;
        var scanner = Scanner(pacer, 1000);

        scanner.RunFor(TimeSpan.FromSeconds(20), mayScan: true);

        Assert.InRange(scanner.Pages, GibibytePages * 0.98, GibibytePages * 1.02);
    }

    [Fact]
    public void SleepsThatEndLateDoNotSlowThePassDown()
    {
        var (pacer, advisor) = Create(targetSeconds: 20, cpuBudgetPercent: 25);
        advisor.Pages = GibibytePages;
        var random = new Random(7);
        var scanner = Scanner(pacer, 1000, () => TimeSpan.FromMilliseconds(random.Next(60)));

        scanner.RunFor(TimeSpan.FromSeconds(20), mayScan: true);

        Assert.InRange(scanner.Pages, GibibytePages * 0.98, GibibytePages * 1.02);
    }

    [Theory]
    [InlineData(5, 300, 300)]
    [InlineData(5, 300, 15_000)]
    [InlineData(25, 300, 15_000)]
    [InlineData(1, 300, 2_000)]
    public void NoWindowOfOneSecondHoldsMoreCpuTimeThanTheBudget(double percent, int cheapest, int dearest)
    {
        var (pacer, _) = Create(cpuBudgetPercent: percent, pagesPerSecond: 10_000_000);
        var random = new Random(11);
        var scanner = Scanner(
            pacer,
            () => random.Next(4) == 0 ? dearest : cheapest,
            () => TimeSpan.FromMilliseconds(random.Next(100) == 0 ? 700 : random.Next(5)));

        scanner.RunFor(TimeSpan.FromSeconds(60), mayScan: true);

        Assert.InRange(
            scanner.BusiestWindow(TimeSpan.FromSeconds(1)).TotalMilliseconds, percent * 10 * 0.7, percent * 10);
    }

    [Theory]
    [InlineData(100, 2, 1000)]
    [InlineData(150, 2, 1500)]
    [InlineData(400, 2, 2000)]
    public void SeveralThreadsShareOneBudgetAndUseNoMoreThanACoreEach(double percent, int threads, double most)
    {
        var (pacer, _) = Create(cpuBudgetPercent: percent, pagesPerSecond: 10_000_000, threads: threads);
        var scanner = new SimulatedScanner(pacer, _time) { NanosecondsPerPage = static () => 2000, Threads = threads };

        scanner.RunFor(TimeSpan.FromSeconds(20), mayScan: true);

        Assert.InRange(scanner.BusiestWindow(TimeSpan.FromSeconds(1)).TotalMilliseconds, most * 0.7, most * 1.001);
    }

    [Fact]
    public void PagesThatSuddenlyCostFiftyTimesMoreStayInsideTheBudget()
    {
        var (pacer, _) = Create(cpuBudgetPercent: 5, pagesPerSecond: 10_000_000);
        var scanner = Scanner(pacer, 300);

        scanner.RunFor(TimeSpan.FromSeconds(5), mayScan: true);
        scanner.NanosecondsPerPage = () => 15_000;
        scanner.RunFor(TimeSpan.FromSeconds(5), mayScan: true);

        Assert.InRange(scanner.BusiestWindow(TimeSpan.FromSeconds(1)).TotalMilliseconds, 40, 50);
    }

    // A stretch is dear while its code is compiled, in a fresh process, or among page faults, later.
    [Theory]
    [InlineData(5, 100, 0)]
    [InlineData(5, 100, 5)]
    [InlineData(5, 1000, 0)]
    [InlineData(5, 1000, 5)]
    [InlineData(25, 1000, 0)]
    [InlineData(25, 1000, 5)]
    public void StretchThatWasDearIsPaidForOnce(double percent, int timesAsDear, int secondsBefore)
    {
        const int Stretch = 512;
        var usual = TimeSpan.FromMicroseconds(1);
        var (pacer, _) = Create(cpuBudgetPercent: percent, pagesPerSecond: 10_000_000);
        var scanner = new SimulatedScanner(pacer, _time)
        {
            NanosecondsPerPage = () => usual.TotalNanoseconds,
            NanosecondsPerBatch = 10_000,
            BatchPages = Stretch,
        };
        scanner.RunFor(TimeSpan.FromSeconds(secondsBefore), mayScan: true);
        scanner.NanosecondsPerPage = () => timesAsDear * usual.TotalNanoseconds;
        scanner.RunFor(TimeSpan.FromMilliseconds(20), mayScan: true);
        scanner.NanosecondsPerPage = () => usual.TotalNanoseconds;
        scanner.RunFor(1.1 * Stretch * timesAsDear * usual / (percent / 100), mayScan: true);
        var before = scanner.Pages;

        scanner.RunFor(TimeSpan.FromSeconds(2), mayScan: true);

        var affordable = TimeSpan.FromSeconds(2) * percent / 100 / usual;
        Assert.InRange(scanner.Pages - before, 0.8 * affordable, affordable);
    }

    [Fact]
    public void FewDearPagesShrinkTheGrantAtOnceAndManyCheapOnesRestoreItSlowly()
    {
        var (pacer, _) = Create(cpuBudgetPercent: 5, pagesPerSecond: 10_000_000);
        for (var charge = 0; charge < 200; charge++)
        {
            pacer.Charge(64, 64);
        }

        pacer.Grant(true);
        _time.Advance(TimeSpan.FromSeconds(1));
        var cheap = pacer.Grant(true);

        pacer.Charge(64, 64 * 10_000);
        _time.Advance(TimeSpan.FromSeconds(1));
        var dear = pacer.Grant(true);
        pacer.Charge(64, 64);
        _time.Advance(TimeSpan.FromSeconds(1));

        // A full bucket is 2.5 ms.
        Assert.InRange(cheap, 250_000, 2_500_000);
        Assert.InRange(dear, 250, 270);
        Assert.InRange(pacer.Grant(true), 250, 280);
    }

    [Fact]
    public void BudgetIsUsedAndNotMerelyKept()
    {
        var (pacer, _) = Create(cpuBudgetPercent: 5, pagesPerSecond: 10_000_000);
        var scanner = Scanner(pacer, 1000);

        scanner.RunFor(TimeSpan.FromSeconds(60), mayScan: true);

        Assert.InRange(scanner.CpuTime.TotalSeconds / 60, 0.044, 0.05);
    }

    [Fact]
    public void WholeCoreIsNotHeldBack()
    {
        var (pacer, _) = Create(cpuBudgetPercent: 100, pagesPerSecond: 10_000_000);
        var scanner = Scanner(pacer, 1000);

        scanner.RunFor(TimeSpan.FromSeconds(10), mayScan: true);

        Assert.InRange(scanner.CpuTime / _time.Elapsed, 0.97, 1);
    }

    [Fact]
    public void SliceThatOverranItsBudgetIsRepaidBeforeTheNextGrant()
    {
        var (pacer, _) = Create(cpuBudgetPercent: 10, pagesPerSecond: 1_000_000);
        pacer.Charge(64, 1_000_000_000);

        _time.Advance(TimeSpan.FromSeconds(9));
        Assert.Equal(0, pacer.Grant(true));
        Assert.Equal(0, pacer.CpuNanosecondsLeft);

        // One second of CPU time at 92 % of a tenth of a core, less what the bucket held: 10.8 s.
        _time.Advance(TimeSpan.FromSeconds(3));
        Assert.NotEqual(0, pacer.Grant(true));
    }

    [Fact]
    public void FloorHoldsWhileTheMachineIsBusy()
    {
        var (pacer, advisor) = Create(targetSeconds: 20, cpuBudgetPercent: 25);
        advisor.Pages = GibibytePages;
        var scanner = Scanner(pacer, 1000);

        scanner.RunFor(TimeSpan.FromSeconds(60), mayScan: false);

        // A hundredth of a core.
        Assert.InRange(scanner.CpuTime.TotalSeconds, 0.595, 0.605);
    }

    [Fact]
    public void BudgetIsStrongerThanTheFloor()
    {
        // 1,000 pages a second at 50 µs would be 5 % of a core.
        var (pacer, advisor) = Create(targetSeconds: 20, cpuBudgetPercent: 1);
        advisor.Pages = GibibytePages;
        var scanner = new SimulatedScanner(pacer, _time) { NanosecondsPerPage = () => 50_000, BatchPages = 4 };

        scanner.RunFor(TimeSpan.FromSeconds(30), mayScan: false);

        Assert.InRange(scanner.CpuTime.TotalSeconds / 30, 0.008, 0.01);
    }

    [Fact]
    public void FixedRateBelowTheFloorIsTheFloor()
    {
        var (pacer, _) = Create(pagesPerSecond: 100);
        var scanner = Scanner(pacer, 1000);

        scanner.RunFor(TimeSpan.FromSeconds(60), mayScan: false);

        Assert.InRange(scanner.Pages, 5_900, 6_100);
    }

    [Fact]
    public void OnePageASecondStillComes()
    {
        var (pacer, _) = Create(pagesPerSecond: 1);
        var scanner = Scanner(pacer, 1000);

        scanner.RunFor(TimeSpan.FromSeconds(600), mayScan: true);

        Assert.InRange(scanner.Pages, 590, 610);
    }

    [Fact]
    public void PageDearerThanAFullBucketIsScannedAllTheSame()
    {
        var (pacer, _) = Create(cpuBudgetPercent: 0.1, pagesPerSecond: 1000);
        var scanner = new SimulatedScanner(pacer, _time) { NanosecondsPerPage = () => 1_000_000, BatchPages = 1 };

        scanner.RunFor(TimeSpan.FromSeconds(100), mayScan: true);

        Assert.InRange(scanner.CpuTime.TotalSeconds / 100, 0.0007, 0.0011);
    }

    [Fact]
    public void PausedGrantsNothingNotEvenTheFloor()
    {
        var (pacer, _) = Create(pagesPerSecond: 10_000);
        pacer.IsPaused = true;
        var scanner = Scanner(pacer, 1000);

        scanner.RunFor(TimeSpan.FromSeconds(5), mayScan: true);
        scanner.RunFor(TimeSpan.FromSeconds(5), mayScan: false);

        Assert.Equal(0, scanner.Pages);
        Assert.True(pacer.NextDelay > TimeSpan.Zero);
    }

    [Fact]
    public void ResumeAfterALongPauseBurstsNoMoreThanATenthOfASecond()
    {
        var (pacer, _) = Create(pagesPerSecond: 10_000, cpuBudgetPercent: 100);
        pacer.Grant(true);
        pacer.IsPaused = true;
        _time.Advance(TimeSpan.FromHours(10));
        pacer.IsPaused = false;

        Assert.Equal(1000, pacer.Grant(true));
    }

    [Fact]
    public void MachineThatBecomesBusyLosesWhatWasSavedUpWhileIdle()
    {
        var (pacer, _) = Create(pagesPerSecond: 1_000_000, cpuBudgetPercent: 100);
        pacer.Grant(true);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.InRange(pacer.Grant(true), 10_000, 100_000);

        // A tenth of a second at a hundredth of a core, of which a page takes 2 µs until it is known better.
        Assert.Equal(500, pacer.Grant(false));
    }

    [Fact]
    public void AskingSpendsNothing()
    {
        var (pacer, _) = Create(pagesPerSecond: 10_000);
        pacer.Grant(true);
        _time.Advance(TimeSpan.FromMilliseconds(50));

        var first = pacer.Grant(true);

        Assert.InRange(first, 1, int.MaxValue);
        Assert.Equal(first, pacer.Grant(true));
    }

    [Fact]
    public void ScannerWithoutPagesDoesNotSpin()
    {
        var (pacer, _) = Create(pagesPerSecond: 1_000_000, cpuBudgetPercent: 100);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.NotEqual(0, pacer.Grant(true));

        pacer.Charge(0, 500);

        Assert.Equal(TimeSpan.FromMilliseconds(250), pacer.NextDelay);
    }

    [Fact]
    public void ScannerThatRanOutOfPagesSleepsForASlice()
    {
        var (pacer, _) = Create(pagesPerSecond: 1_000_000, cpuBudgetPercent: 100);
        pacer.Grant(true);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.InRange(pacer.Grant(true), 10, int.MaxValue);

        pacer.Charge(9, 5000);

        Assert.Equal(TimeSpan.FromMilliseconds(10), pacer.NextDelay);
    }

    [Fact]
    public void ScannerThatUsedItsGrantGoesOnIfMoreIsPaidFor()
    {
        var (pacer, _) = Create(pagesPerSecond: 1_000_000, cpuBudgetPercent: 100);
        pacer.Grant(true);
        _time.Advance(TimeSpan.FromSeconds(1));

        // 50 ms at 2 µs a page, which is all that one grant gives, of 100,000 pages saved up.
        pacer.Charge(pacer.Grant(true), 1_000_000);

        Assert.Equal(TimeSpan.Zero, pacer.NextDelay);
    }

    [Fact]
    public void SlowRateSavesUpPagesThatAreWorthABatch()
    {
        var (pacer, _) = Create(pagesPerSecond: 1000);
        pacer.Grant(true);

        _time.Advance(pacer.NextDelay);

        Assert.Equal(64, pacer.Grant(true));
    }

    private (ScanPacer Pacer, ScanAdvisor Advisor) Create(
        double targetSeconds = 20, double cpuBudgetPercent = 25, int pagesPerSecond = 0, int minimum = 1000,
        int threads = 1)
    {
        var advisor = new ScanAdvisor(TimeSpan.FromSeconds(targetSeconds), pagesPerSecond, minimum, _time);
        for (var pass = 0; pass < 10; pass++)
        {
            advisor.ObservePass(changes: 0, cpuNanoseconds: long.MaxValue); // from now on the target alone decides
        }

        return (new ScanPacer(advisor, cpuBudgetPercent, _time, threads), advisor);
    }

    private SimulatedScanner Scanner(ScanPacer pacer, double nanosecondsPerPage, Func<TimeSpan>? oversleep = null) =>
        Scanner(pacer, () => nanosecondsPerPage, oversleep);

    private SimulatedScanner Scanner(
        ScanPacer pacer, Func<double> nanosecondsPerPage, Func<TimeSpan>? oversleep = null) =>
        new(pacer, _time)
        {
            NanosecondsPerPage = nanosecondsPerPage,
            Oversleep = oversleep ?? (() => TimeSpan.Zero),
        };
}

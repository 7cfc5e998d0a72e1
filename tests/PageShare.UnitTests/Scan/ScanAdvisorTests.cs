using PageShare.Scan;

namespace PageShare.UnitTests.Scan;

public sealed class ScanAdvisorTests
{
    private readonly SimulatedTime _time = new();

    [Fact]
    public void FirstGuestIsScannedAtItsRateAtOnce()
    {
        var advisor = Create();
        advisor.Advise();
        advisor.Pages = 2_000_000;

        Assert.Equal(100_000, advisor.Advise());
    }

    [Fact]
    public void RateFollowsTheAmountOfMemorySmoothly()
    {
        var advisor = Create();
        advisor.Pages = 1_000_000;
        advisor.Advise();
        advisor.Pages = 2_000_000;

        Assert.Equal(50_000, advisor.Advise());
        _time.Advance(TimeSpan.FromSeconds(2));
        var halfway = advisor.Advise();
        _time.Advance(TimeSpan.FromSeconds(20));

        // One time constant: 1 - 1/e of the way.
        Assert.Equal(50_000 * (2 - Math.Exp(-1)), halfway, 1.0);
        Assert.InRange(advisor.Advise(), 99_990, 100_000);
    }

    [Fact]
    public void SmoothingDoesNotDependOnHowOftenItIsAsked()
    {
        var often = Create();
        var seldom = Create();
        often.Pages = seldom.Pages = 1_000_000;
        often.Advise();
        seldom.Advise();
        often.Pages = seldom.Pages = 2_000_000;

        for (var i = 0; i < 100; i++)
        {
            _time.Advance(TimeSpan.FromMilliseconds(10));
            often.Advise();
        }

        Assert.Equal(seldom.Advise(), often.Advise(), 2.0);
    }

    [Fact]
    public void LittleMemoryIsScannedAtTheMinimum()
    {
        var advisor = Create(minimum: 1000);
        advisor.Pages = 100;

        Assert.Equal(1000, advisor.Advise());
    }

    [Fact]
    public void DearPagesDoNotLowerTheRate()
    {
        var advisor = Create();
        advisor.Pages = 2_000_000;

        advisor.ObserveCost(1000, 1_000_000_000);

        Assert.Equal(100_000, advisor.Advise());
    }

    [Fact]
    public void CostIsAnAverageByPagesNotBySlices()
    {
        var advisor = Create();
        advisor.ObserveCost(100_000, 100_000_000);
        advisor.ObserveCost(1, 1_000_000);
        Assert.InRange(advisor.NanosecondsPerPage, 1000, 1300);

        advisor.ObserveCost(100_000, 500_000_000);
        Assert.Equal(5000, advisor.NanosecondsPerPage, 1.0);
    }

    [Fact]
    public void SliceWithoutPagesSaysNothingAboutTheirCost()
    {
        var advisor = Create();
        advisor.ObserveCost(100_000, 300_000_000);

        advisor.ObserveCost(0, 1_000_000);

        Assert.Equal(3000, advisor.NanosecondsPerPage, 1.0);
    }

    [Fact]
    public void FixedRateIgnoresTheTarget()
    {
        var advisor = Create(pagesPerSecond: 5000);
        advisor.Pages = 1_000_000_000;

        Assert.Equal(5000, advisor.Advise());
    }

    [Theory]
    [InlineData(0, 1000, 1000)]
    [InlineData(300, 1000, 300)]
    [InlineData(5000, 1000, 1000)]
    public void FloorIsTheMinimumOrALowerFixedRate(int pagesPerSecond, int minimum, int expected)
    {
        var advisor = Create(pagesPerSecond: pagesPerSecond, minimum: minimum);
        advisor.ObserveCost(1000, 100_000_000);

        Assert.Equal(expected, advisor.FloorPagesPerSecond);
    }

    [Fact]
    public void FloorIsWhatAHundredthOfACorePaysForWherePagesAreCheap()
    {
        var advisor = Create(minimum: 1000);
        advisor.ObserveCost(1_000_000, 2_000_000);

        Assert.Equal(5_000_000, advisor.FloorPagesPerSecond);
    }

    [Fact]
    public void PassesFollowOneAnotherAsQuicklyAsAHundredthOfACorePaysFor()
    {
        var advisor = Create();
        advisor.Pages = 1_000_000;
        Assert.Equal(50_000, advisor.Advise());

        advisor.ObservePass(changes: 0, cpuNanoseconds: 40_000_000);

        // 40 ms of a core in 4 s.
        Assert.Equal(250_000, advisor.Advise());
    }

    [Fact]
    public void PassesFollowChanges()
    {
        var advisor = Create();
        advisor.Pages = 1_000_000;
        _time.Advance(TimeSpan.FromSeconds(2));

        // 4,000 pages a second change: a hundredth of all in 2.5 s.
        advisor.ObservePass(changes: 8000, cpuNanoseconds: 1_000_000_000);

        Assert.Equal(400_000, advisor.Advise());
    }

    [Fact]
    public void FirstPassIsAsQuickAsAny()
    {
        var advisor = New();
        advisor.Pages = 200_000;

        Assert.Equal(400_000, advisor.Advise());
    }

    [Fact]
    public void OneDearPassMakesTheNextTwiceAsLongAndManyTakeTheTargetTime()
    {
        var advisor = New();
        advisor.Pages = 100_000;
        Assert.Equal(200_000, advisor.Advise());

        advisor.ObservePass(changes: 0, cpuNanoseconds: 1_000_000_000);
        Assert.Equal(100_000, advisor.Advise());
        for (var pass = 0; pass < 5; pass++)
        {
            advisor.ObservePass(changes: 0, cpuNanoseconds: 1_000_000_000);
        }

        Assert.Equal(5000, advisor.Advise());
    }

    [Fact]
    public void NoPassIsQuickerThanAFortiethOfTheTarget()
    {
        var advisor = Create();
        advisor.Pages = 1_000_000;
        advisor.ObserveCost(100_000, 10_000_000);
        _time.Advance(TimeSpan.FromMilliseconds(1));

        advisor.ObservePass(changes: 1_000_000, cpuNanoseconds: 1);

        Assert.Equal(2_000_000, advisor.Advise());
    }

    [Fact]
    public void NextGuestAfterNoneIsTheFirstAgain()
    {
        var advisor = Create();
        advisor.Pages = 4_000_000;
        advisor.Advise();
        advisor.Pages = 0;
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.InRange(advisor.Advise(), 1000, 200_000);

        advisor.Pages = 1_000_000;

        Assert.Equal(50_000, advisor.Advise());
    }

    /// <summary>As after passes that were dear and found nothing, so that the target alone decides.</summary>
    private ScanAdvisor Create(int pagesPerSecond = 0, int minimum = 1)
    {
        var advisor = New(pagesPerSecond, minimum);
        for (var pass = 0; pass < 10; pass++)
        {
            advisor.ObservePass(changes: 0, cpuNanoseconds: 1_000_000_000);
        }

        return advisor;
    }

    private ScanAdvisor New(int pagesPerSecond = 0, int minimum = 1) =>
        new(TimeSpan.FromSeconds(20), pagesPerSecond, minimum, _time);
}

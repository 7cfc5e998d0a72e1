using PageShare.Workloads.Ksm;

namespace PageShare.UnitTests.Workloads;

public sealed class SavingCurveTests
{
    [Fact]
    public void AGoalBetweenTwoMomentsLiesOnTheLineBetweenThem()
    {
        var curve = new SavingCurve();
        curve.Add(1, 0.5, 100);
        curve.Add(3, 1.5, 200);

        var reached = curve.Reaching(150);

        Assert.NotNull(reached);
        Assert.Equal(2, reached.Value.Seconds, precision: 9);
        Assert.Equal(1, reached.Value.CpuSeconds, precision: 9);
    }

    [Fact]
    public void OnlyTheFirstTimeCounts()
    {
        var curve = new SavingCurve();
        curve.Add(1, 1, 100);
        curve.Add(2, 2, 50);
        curve.Add(3, 3, 100);

        Assert.Equal(1, curve.Reaching(100)!.Value.Seconds, precision: 9);
    }

    [Fact]
    public void AGoalThatWasNeverReachedHasNoMoment()
    {
        var curve = new SavingCurve();
        curve.Add(1, 1, 99);

        Assert.Null(curve.Reaching(100));
    }

    [Theory]
    [InlineData(1000, 10)]
    [InlineData(11, 10)]
    [InlineData(3, 10)]
    [InlineData(500, 2)]
    public void ThinnedItHasNoMorePointsAndStillEndsWhereItEnded(int points, int most)
    {
        var curve = new SavingCurve();
        for (var i = 1; i < points; i++)
        {
            curve.Add(i, i, i);
        }

        var thinned = curve.Thinned(most);

        Assert.InRange(thinned.Count, 1, Math.Max(most, 2));
        Assert.Equal(curve.Points[0], thinned[0]);
        Assert.Equal(curve.Last, thinned[^1]);
    }
}

using PageShare.Workloads.Reporting.Html;

namespace PageShare.UnitTests.Workloads;

public sealed class AxisTicksTests
{
    [Theory]
    [InlineData(46.3, 6, new double[] { 0, 10, 20, 30, 40, 50 })]
    [InlineData(10, 10, new double[] { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 })]
    [InlineData(0.3, 3, new double[] { 0, 0.1, 0.2, 0.3 })]
    [InlineData(0, 4, new double[] { 0, 0.5, 1 })]
    public void MarksAreRoundAndReachTheLargest(double largest, int most, double[] expected) =>
        Assert.Equal(expected, AxisTicks.Of(largest, most).Select(static tick => Math.Round(tick, 9)));

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    [InlineData(-3)]
    public void WhatIsNoLengthIsOne(double largest) => Assert.Equal(1, AxisTicks.Of(largest, 1)[^1]);

    [Fact]
    public void ThereAreNeverMoreStepsThanAskedFor()
    {
        for (var largest = 0.001; largest < 1e6; largest *= 1.07)
        {
            var ticks = AxisTicks.Of(largest, 7);

            Assert.InRange(ticks.Count, 2, 8);
            Assert.True(ticks[^1] >= largest * 0.999999);
        }
    }
}

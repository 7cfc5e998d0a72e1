using PageShare.Workloads.Reporting;

namespace PageShare.UnitTests.Workloads;

public sealed class PercentileTests
{
    private static readonly long[] Hundred = [.. Enumerable.Range(1, 100).Select(static value => (long)value)];

    [Theory]
    [InlineData(1, 1)]
    [InlineData(50, 50)]
    [InlineData(99, 99)]
    [InlineData(99.5, 100)]
    [InlineData(100, 100)]
    public void IsTheNearestRank(double percent, long expected) =>
        Assert.Equal(expected, Percentile.Of(Hundred, percent));

    [Theory]
    [InlineData(0.001)]
    [InlineData(50)]
    [InlineData(100)]
    public void OfOneValueItIsThatValue(double percent) => Assert.Equal(42, Percentile.Of([42L], percent));

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(100.1)]
    [InlineData(double.NaN)]
    public void OutOfRangeIsRefused(double percent) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => Percentile.Of(Hundred, percent));

    [Fact]
    public void OfNothingThereIsNone() =>
        Assert.Throws<ArgumentException>(() => Percentile.Of<long>(Array.Empty<long>(), 50));

    [Fact]
    public void TheMedianIsAnItemThatWasMeasured()
    {
        Assert.Equal("bb", Percentile.MedianBy(["ccc", "a", "bb"], static text => text.Length));
        Assert.Equal(2, Percentile.MedianBy([4.0, 1.0, 2.0, 3.0], static value => value));
    }
}

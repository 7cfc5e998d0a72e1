using PageShare.Metrics;

namespace PageShare.UnitTests.Metrics;

public sealed class LatencyHistogramTests
{
    /// <summary>Computed by hand from the formula in pageshare.h: 8 * (e - 2) + ((v >> (e - 3)) &amp; 7).</summary>
    [Theory]
    [InlineData(0UL, 0)]
    [InlineData(7UL, 7)]
    [InlineData(8UL, 8)]
    [InlineData(15UL, 15)]
    [InlineData(16UL, 16)]
    [InlineData(17UL, 16)]
    [InlineData(18UL, 17)]
    [InlineData(1000UL, 63)]
    [InlineData(1024UL, 64)]
    [InlineData(4398046511103UL, 319)]
    [InlineData(4398046511104UL, 319)]
    [InlineData(ulong.MaxValue, 319)]
    public void BucketsAreThoseOfTheNativeHeader(ulong nanoseconds, int bucket)
    {
        Assert.Equal(bucket, LatencyHistogram.BucketOf(nanoseconds));
    }

    [Fact]
    public void UpperBoundIsTheLastLatencyOfItsBucket()
    {
        for (var bucket = 0; bucket < LatencyHistogram.BucketCount - 1; bucket++)
        {
            var bound = LatencyHistogram.UpperBoundOf(bucket);

            Assert.Equal(bucket, LatencyHistogram.BucketOf(bound));
            Assert.Equal(bucket + 1, LatencyHistogram.BucketOf(bound + 1));
        }

        Assert.Equal(ulong.MaxValue, LatencyHistogram.UpperBoundOf(LatencyHistogram.BucketCount - 1));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(320)]
    public void BucketThatDoesNotExistHasNoBound(int bucket)
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => LatencyHistogram.UpperBoundOf(bucket));
    }

    [Fact]
    public void PercentilesAreAtMostAnEighthTooHighAndNeverTooLow()
    {
        var random = new Random(3);
        var histogram = new LatencyHistogram();
        var latencies = Enumerable.Range(0, 10_000)
            .Select(_ => (ulong)Math.Exp(random.NextDouble() * 20))
            .Order()
            .ToArray();
        foreach (var latency in latencies)
        {
            histogram.Record(latency);
        }

        foreach (var percent in new[] { 0.01, 1, 25, 50, 90, 99, 99.9, 100 })
        {
            var exact = latencies[(int)Math.Ceiling(percent / 100 * latencies.Length) - 1];

            Assert.InRange(histogram.Percentile(percent), exact, (exact * 9 / 8) + 1);
        }
    }

    [Fact]
    public void PercentileIsNeverAboveTheMaximum()
    {
        var histogram = new LatencyHistogram();
        histogram.Record(1024);

        Assert.Equal(new LatencySummary(1024, 1024, 1024), histogram.Summarize());
    }

    [Fact]
    public void EmptyHistogramIsAllZeros()
    {
        Assert.Equal(default, new LatencyHistogram().Summarize());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(100.1)]
    [InlineData(double.NaN)]
    public void PercentileOutsideItsRangeIsRefused(double percent)
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new LatencyHistogram().Percentile(percent));
    }

    [Fact]
    public void NativeHistogramsOfSeveralGuestsAddUp()
    {
        var native = new ulong[LatencyHistogram.NativeWordCount];
        native[5] = 98;
        native[LatencyHistogram.BucketOf(3000)] = 1;
        native[LatencyHistogram.BucketCount] = 3000;
        var other = new LatencyHistogram();
        other.Record(1_000_000);
        var merged = new LatencyHistogram();

        merged.Add(native);
        merged.Add(other);

        Assert.Equal(100UL, merged.Count);
        Assert.Equal(
            new LatencySummary(5, (long)LatencyHistogram.UpperBoundOf(LatencyHistogram.BucketOf(3000)), 1_000_000),
            merged.Summarize());
    }

    [Fact]
    public void NativeHistogramOfAnotherSizeIsRefused()
    {
        Assert.Throws<ArgumentException>(() => new LatencyHistogram().Add(new ulong[LatencyHistogram.BucketCount]));
    }
}

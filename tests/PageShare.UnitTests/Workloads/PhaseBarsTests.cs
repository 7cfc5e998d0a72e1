using PageShare.Workloads.Phases;
using PageShare.Workloads.Reporting;

namespace PageShare.UnitTests.Workloads;

public sealed class PhaseBarsTests
{
    private static readonly ReplayPhase[] Phases =
    [
        new("get busy", IsWriting: true, 0, 10, 50_000),
        new("rest", IsWriting: false, 10, 20, 0),
    ];

    [Fact]
    public void AGapCountsOnlyOnceWritesHaveCeasedForTheGrace()
    {
        var bars = Judge(Sample(5, saved: 0), Sample(11.9, saved: 100), Sample(12, saved: 380), Sample(19, saved: 400));

        Assert.Equal(2, bars[0].Figure!.Value, precision: 9);
        Assert.True(bars[0].Reached);
    }

    [Fact]
    public void TheWorstSampleWhileWritingCounts()
    {
        var bars = Judge(Sample(1, saved: 400), Sample(5, saved: 300), Sample(9, saved: 390), Sample(15, saved: 0));

        Assert.Equal(75, bars[1].Figure!.Value, precision: 9);
        Assert.False(bars[1].Reached);
    }

    [Fact]
    public void TheDearestPhaseCounts()
    {
        var bars = Judge(
            Sample(0.5, cpu: 0), Sample(9.5, cpu: 1.8), Sample(10.5, cpu: 2), Sample(19.5, cpu: 2.09));

        Assert.Equal(20, bars[2].Figure!.Value, precision: 9);
        Assert.True(bars[2].Reached);
    }

    [Fact]
    public void WhatHasNoSampleIsNotJudged()
    {
        var bars = Judge();

        Assert.All(bars, static bar => Assert.Null(bar.Reached));
        Assert.All(bars, static bar => Assert.Equal("not measured", bar.Verdict));
    }

    [Theory]
    [InlineData(5, false, true)]
    [InlineData(5.1, false, false)]
    [InlineData(5, true, true)]
    [InlineData(4.9, true, false)]
    public void ABarIsReachedAtItsLimit(double figure, bool atLeast, bool reached) =>
        Assert.Equal(reached, new Bar("bar", 5, figure, "", atLeast).Reached);

    private static IReadOnlyList<Bar> Judge(params PhaseSample[] samples) => PhaseBars.Judge(samples, Phases, 5000);

    private static PhaseSample Sample(double seconds, long saved = 400, double cpu = 0) => new()
    {
        Seconds = seconds,
        Pages = 1000,
        ZeroPages = 0,
        OptimumPages = 400,
        SavedPages = saved,
        PagesWritten = 0,
        BreaksPerSecond = 0,
        ScannerCpuPercent = 0,
        ScannerCpuSeconds = cpu,
        FullScans = 0,
        MappingsUsed = 0,
    };
}

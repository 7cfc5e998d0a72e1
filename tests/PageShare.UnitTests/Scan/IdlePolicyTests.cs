using PageShare.Platform;
using PageShare.Scan;

namespace PageShare.UnitTests.Scan;

public sealed class IdlePolicyTests
{
    private TimeSpan _idle = TimeSpan.FromHours(5);
    private TimeSpan _busy = TimeSpan.FromHours(3);
    private TimeSpan _scannerCpu = TimeSpan.FromMinutes(1);

    [Fact]
    public void FirstSampleDecidesForBusy()
    {
        var policy = new IdlePolicy(50, 10);

        Assert.False(Observe(policy, idle: 2, busy: 0));
        Assert.Null(policy.IdlePercent);
    }

    [Fact]
    public void SecondSampleDecidesByTheDifferenceNotByTheSums()
    {
        var policy = new IdlePolicy(50, 10);
        _busy = TimeSpan.FromHours(1000);
        Observe(policy, idle: 2, busy: 0);

        Assert.True(Observe(policy, idle: 1.5, busy: 0.5));
        Assert.Equal(75, policy.IdlePercent!.Value, 0.001);
    }

    [Fact]
    public void ThresholdOfIdleTimeStopsTheScanner()
    {
        var policy = Idle(50);

        Assert.True(Observe(policy, idle: 0.51, busy: 0.49));
        Assert.False(Observe(policy, idle: 0.49, busy: 0.51));
    }

    [Fact]
    public void LoadAroundTheThresholdDoesNotFlap()
    {
        var policy = Idle(50);
        Observe(policy, idle: 0.49, busy: 0.51);

        Assert.False(Observe(policy, idle: 0.52, busy: 0.48));
        Assert.False(Observe(policy, idle: 0.54, busy: 0.46));
        Assert.True(Observe(policy, idle: 0.56, busy: 0.44));
        Assert.True(Observe(policy, idle: 0.52, busy: 0.48));
    }

    [Fact]
    public void ScannersOwnCpuTimeIsNotBusiness()
    {
        var policy = Idle(60);

        Assert.True(Observe(policy, idle: 0.5, busy: 0.5, scanner: 0.3));
        Assert.Equal(80, policy.IdlePercent!.Value, 0.001);
        Assert.False(Observe(policy, idle: 0.5, busy: 0.5));
    }

    [Fact]
    public void ScannerClockAheadOfTheKernelsCannotMakeMoreThanAllIdle()
    {
        var policy = Idle(50);

        Observe(policy, idle: 0.9, busy: 0.1, scanner: 0.4);

        Assert.Equal(100, policy.IdlePercent!.Value, 0.001);
    }

    [Fact]
    public void ScannerClockThatStartsAnewCountsAsNothing()
    {
        var policy = Idle(50);

        Observe(policy, idle: 0.6, busy: 0.4, scanner: -30);

        Assert.Equal(60, policy.IdlePercent!.Value, 0.001);
    }

    [Fact]
    public void PressureStopsAnIdleMachineAndHalfOfItLetsGoOn()
    {
        var policy = Idle(50, pressureLimit: 10);

        Assert.True(Observe(policy, idle: 1, busy: 0, pressure: 9.9));
        Assert.False(Observe(policy, idle: 1, busy: 0, pressure: 10));
        Assert.False(Observe(policy, idle: 1, busy: 0, pressure: 5.1));
        Assert.True(Observe(policy, idle: 1, busy: 0, pressure: 5));
        Assert.True(Observe(policy, idle: 1, busy: 0, pressure: 9.9));
    }

    [Fact]
    public void IdleTimeAloneDecidesWithoutPressureFiles()
    {
        var policy = Idle(50);

        Assert.True(Observe(policy, idle: 1, busy: 0, pressure: null));
        Assert.False(Observe(policy, idle: 0, busy: 1, pressure: null));
    }

    [Fact]
    public void PressureFilesThatVanishHoldNothingUp()
    {
        var policy = Idle(50);
        Observe(policy, idle: 1, busy: 0, pressure: 90);

        Assert.True(Observe(policy, idle: 1, busy: 0, pressure: null));
    }

    [Fact]
    public void MemoryPressureIsNoReasonToStop()
    {
        var policy = Idle(50);
        _idle += TimeSpan.FromSeconds(1);

        Assert.True(policy.Observe(new MachineLoad(_idle, _busy, 0, MemoryPressurePercent: 95), _scannerCpu));
    }

    [Theory]
    [InlineData(-1, 0.5)]
    [InlineData(0.5, -1)]
    [InlineData(-100, -100)]
    public void CountersThatStepBackLeaveTheDecisionAsItWas(double idle, double busy)
    {
        var policy = Idle(50);
        Observe(policy, idle: 1, busy: 0);

        Assert.True(Observe(policy, idle, busy));
        Assert.False(Observe(policy, idle: 0, busy: 1));
        Assert.False(Observe(policy, idle, busy));
        Assert.True(Observe(policy, idle: 1, busy: 0));
    }

    [Fact]
    public void SamplesTooCloseTogetherAreAddedUp()
    {
        var policy = Idle(50);
        Observe(policy, idle: 1, busy: 0);

        // Each of 150 ms: the first alone is too short to tell, both together are 50 ms idle of 300.
        Assert.True(Observe(policy, idle: 0, busy: 0.15));
        Assert.False(Observe(policy, idle: 0.05, busy: 0.1));
        Assert.Equal(100 * 0.05 / 0.3, policy.IdlePercent!.Value, 0.001);
    }

    [Fact]
    public void UnknownLoadCountsAsBusyUntilTwoSamplesAreThere()
    {
        var policy = Idle(50);
        Assert.True(Observe(policy, idle: 1, busy: 0));

        Assert.False(policy.Observe(null, _scannerCpu));
        Assert.Null(policy.IdlePercent);
        Assert.False(Observe(policy, idle: 1, busy: 0));
        Assert.True(Observe(policy, idle: 1, busy: 0));
    }

    [Fact]
    public void ThresholdOfZeroIsAlwaysIdle()
    {
        Assert.True(Observe(Idle(0), idle: 0, busy: 1));
    }

    [Fact]
    public void ThresholdOfAHundredCanBeReached()
    {
        var policy = Idle(100);

        Assert.True(Observe(policy, idle: 1, busy: 0));
        Assert.False(Observe(policy, idle: 0.99, busy: 0.01));
    }

    /// <summary>A policy that has seen an idle machine.</summary>
    private IdlePolicy Idle(double threshold, double pressureLimit = 10)
    {
        var policy = new IdlePolicy(threshold, pressureLimit);
        Observe(policy, idle: 1, busy: 0);
        Observe(policy, idle: 1, busy: 0);
        return policy;
    }

    /// <summary>One more sample, so many seconds of each kind after the last one.</summary>
    private bool Observe(IdlePolicy policy, double idle, double busy, double scanner = 0, double? pressure = 0)
    {
        _idle += TimeSpan.FromSeconds(idle);
        _busy += TimeSpan.FromSeconds(busy);
        _scannerCpu += TimeSpan.FromSeconds(scanner);
        return policy.Observe(new MachineLoad(_idle, _busy, pressure), _scannerCpu);
    }
}

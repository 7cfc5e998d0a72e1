using PageShare.Workloads;
using PageShare.Workloads.Ksm;

namespace PageShare.UnitTests.Workloads;

public sealed class MachineTests
{
    [Theory]
    [InlineData("30 (ksmd) S 2 0 0 0 -1 2129984 0 0 0 0 12 345 0 0 25 5 1 0 17 0 0", 3.57)]
    [InlineData("30 (a) (b c) S 2 0 0 0 -1 2129984 0 0 0 0 1 2 0 0 25 5 1 0 17 0 0", 0.03)]
    public void CpuTimeIsUserAndSystemTime(string stat, double seconds) =>
        Assert.Equal(seconds, KsmDaemon.ParseStat(stat)!.Value, precision: 9);

    [Theory]
    [InlineData("")]
    [InlineData("30 (ksmd) S 2 0")]
    public void AStatThatEndsEarlyHasNone(string stat) => Assert.Null(KsmDaemon.ParseStat(stat));

    [Fact]
    public void AKernelThatCountsNoNanosecondsIsNotBelieved()
    {
        Assert.Equal(1.5, KsmDaemon.ParseSchedstat("1500000000 241931 2\n")!.Value, precision: 9);
        Assert.Null(KsmDaemon.ParseSchedstat("0 0 0\n"));
    }

    [Fact]
    public void GuestsThatDoNotFitAreRefusedWithTheFigures()
    {
        Assert.Null(MemoryNeed.Refuses(1L << 30, available: 2L << 30));
        Assert.Null(MemoryNeed.Refuses(1L << 30, available: null));
        Assert.Contains("1.0 GiB", MemoryNeed.Refuses(1L << 30, available: 1L << 30), StringComparison.Ordinal);
    }
}

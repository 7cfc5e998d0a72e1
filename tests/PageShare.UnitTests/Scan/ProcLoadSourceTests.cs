using PageShare.Platform;
using PageShare.Platform.Linux;

namespace PageShare.UnitTests.Scan;

public sealed class ProcLoadSourceTests : IDisposable
{
    // user nice system idle iowait irq softirq steal guest guest_nice, in hundredths of a second.
    private const string Stat = "cpu  100 20 300 4000 500 6 7 80000 90 10\ncpu0 1 2 3 4 5 6 7 8 9 10\nintr 1\n";

    private readonly FakeProc _proc = new();

    public void Dispose() => _proc.Dispose();

    [Fact]
    public void WaitingForDisksIsIdle()
    {
        _proc.Write("stat", Stat);

        Assert.Equal(TimeSpan.FromSeconds(45), Read().Idle);
    }

    [Fact]
    public void StolenTimeIsNotBusyAndGuestTimeIsNotCountedTwice()
    {
        _proc.Write("stat", Stat);

        Assert.Equal(TimeSpan.FromSeconds(4.33), Read().Busy);
    }

    [Fact]
    public void PressureIsTheTenSecondAverageOfSomeTasks()
    {
        _proc.Write("stat", Stat);
        _proc.Write("pressure/cpu", "some avg10=1.25 avg60=4.00 avg300=2.00 total=18\nfull avg10=9.00 avg60=0.00\n");
        _proc.Write("pressure/memory", "some avg10=33.50 avg60=4.00 avg300=2.00 total=18\n");

        var load = Read();

        Assert.Equal(1.25, load.CpuPressurePercent);
        Assert.Equal(33.5, load.MemoryPressurePercent);
    }

    [Fact]
    public void KernelWithoutPressureFilesStillTellsItsLoad()
    {
        _proc.Write("stat", Stat);

        var load = Read();

        Assert.Null(load.CpuPressurePercent);
        Assert.Null(load.MemoryPressurePercent);
        Assert.Equal(TimeSpan.FromSeconds(45), load.Idle);
    }

    [Theory]
    [InlineData("")]
    [InlineData("full avg10=9.00")]
    [InlineData("some avg10=oops")]
    public void PressureFileThatSaysSomethingElseCountsAsAbsent(string text)
    {
        _proc.Write("stat", Stat);
        _proc.Write("pressure/cpu", text);

        Assert.Null(Read().CpuPressurePercent);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("cpu0 1 2 3 4 5 6 7\n")]
    [InlineData("cpu 1 2 3 4 5 6\n")]
    [InlineData("cpu 1 2 3 -4 5 6 7\n")]
    [InlineData("cpu 1 2 3 9999999999999999999 5 6 7\n")]
    [InlineData("cpu 1 2 3 4 5 6 7")]
    public void StatThatIsMissingOrMalformedIsSaidNotGuessed(string? text)
    {
        if (text is not null)
        {
            _proc.Write("stat", text);
        }

        Assert.False(new ProcLoadSource(_proc.Root).TryRead(out _));
    }

    [Fact]
    public void OldKernelsShorterLineIsEnough()
    {
        _proc.Write("stat", "cpu 100 0 0 300 0 0 0\n");

        Assert.Equal(TimeSpan.FromSeconds(3), Read().Idle);
    }

    [Fact]
    public void ThisMachineTellsItsLoad()
    {
        Assert.SkipUnless(File.Exists("/proc/stat"), "This machine has no /proc/stat.");

        Assert.True(new ProcLoadSource().TryRead(out var load));
        Assert.True(load.Busy > TimeSpan.Zero);
    }

    private MachineLoad Read()
    {
        Assert.True(new ProcLoadSource(_proc.Root).TryRead(out var load));
        return load;
    }
}

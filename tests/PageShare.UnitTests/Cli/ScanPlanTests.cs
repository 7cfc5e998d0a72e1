using PageShare.Cli.Run;
using PageShare.TestKit;

namespace PageShare.UnitTests.Cli;

public sealed class ScanPlanTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(0.05)]
    [InlineData(2)]
    [InlineData(20)]
    [InlineData(3600)]
    public void RunOfAnyLengthGetsValidOptionsWithSeveralPasses(double seconds)
    {
        RunOptions options = RunOptions.From(new RunRequest { Duration = TimeSpan.FromSeconds(seconds) });

        EngineOptions engine = ScanPlan.EngineOptionsFor(options, [Plan()]);

        engine.Validate();
        Assert.True(engine.BackgroundScanning);
        Assert.InRange(engine.TargetPassTime.TotalSeconds, 0.1, Math.Max(0.1, seconds / 8));
        Assert.True(engine.MinimumPagesPerSecond * seconds >= Plan().Pages * 4.9);
    }

    [Fact]
    public void UntilConvergedNobodyScansInTheBackground()
    {
        RunOptions options = RunOptions.From(new RunRequest
        {
            UntilConverged = true,
            FaultMode = FaultMode.Kernel,
            BreakPages = 3,
            ScannerThreads = 2,
        });

        EngineOptions engine = ScanPlan.EngineOptionsFor(options, [Plan()]);

        Assert.False(engine.BackgroundScanning);
        Assert.Equal(FaultMode.Kernel, engine.FaultMode);
        Assert.Equal(3, engine.MaximumBreakPages);
        Assert.Equal(2, engine.ScannerThreads);
    }

    [Fact]
    public void AHostConvergesWithAllThatItsThreadsCanUse()
    {
        RunOptions options = RunOptions.From(new RunRequest { UntilConverged = true, ScannerThreads = 3 });

        EngineOptions engine = ScanPlan.HostOptionsFor(options, [Plan()]);

        engine.Validate();
        Assert.Equal(3, engine.ScannerThreads);
        Assert.Equal(300, engine.CpuBudgetPercent);
    }

    private GuestPlan Plan()
    {
        string path = Path.Combine(_folder.Path, "image");
        using (FileStream file = File.Create(path))
        {
            file.SetLength(1L << 30);
        }

        return GuestPlan.ForImage("vm", InputFile.Note(new FileInfo(path)));
    }
}

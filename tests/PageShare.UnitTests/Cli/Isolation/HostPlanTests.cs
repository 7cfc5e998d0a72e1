using System.Text.Json.Nodes;
using PageShare.Cli.Run;
using PageShare.Cli.Run.Isolation;
using PageShare.Host.Configuration;
using PageShare.TestKit;

namespace PageShare.UnitTests.Cli.Isolation;

/// <summary>What a run tells its host, read as the host reads it.</summary>
public sealed class HostPlanTests : IDisposable
{
    private static readonly Dictionary<string, string> NoVariables = [];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void GuestsOfAllUsersMeetInOneDomain()
    {
        HostConfiguration read = Read(new RunRequest { Guests = 2 }, out HostPlan plan);

        Assert.Equal(plan.DomainOf(0), plan.DomainOf(1));
        Assert.Equal(["61001", "61002"], read.Domains[plan.DomainOf(0)].Users);
    }

    [Fact]
    public void DomainPerGuestIsOneForEach()
    {
        HostConfiguration read = Read(new RunRequest { Guests = 2, DomainPerGuest = true }, out HostPlan plan);

        Assert.NotEqual(plan.DomainOf(0), plan.DomainOf(1));
        Assert.Equal(["61002"], read.Domains[plan.DomainOf(1)].Users);
    }

    [Fact]
    public void HostScansAsTheRunWants()
    {
        HostConfiguration read = Read(
            new RunRequest { Duration = TimeSpan.FromSeconds(3), FaultMode = FaultMode.Kernel }, out HostPlan plan);

        Assert.Equal(plan.Engine.TargetPassTime, read.Engine.TargetPassTime);
        Assert.Equal(plan.Engine.MinimumPagesPerSecond, read.Engine.MinimumPagesPerSecond);
        Assert.Equal(FaultMode.Kernel, read.Engine.FaultMode);
        Assert.True(read.Engine.BackgroundScanning);
    }

    [Fact]
    public void UntilConvergedItScansOnABusyMachineToo()
    {
        HostConfiguration read = Read(new RunRequest { UntilConverged = true }, out _);

        Assert.True(read.Engine.BackgroundScanning);
        Assert.True(read.Engine.ScanWhenBusy);
    }

    private HostConfiguration Read(RunRequest request, out HostPlan plan)
    {
        RunOptions options = RunOptions.From(request);
        GuestPlan guest = GuestPlan.ForFiles(
            "guest", [InputFile.Note(new FileInfo(_folder.Write("file", "content")))], seed: 1);
        plan = new HostPlan(options, ScanPlan.HostOptionsFor(options, [guest]), [61001, 61002]);
        string file = _folder.Write("host.json", plan.ToJson("/tmp/host.sock").ToJsonString());
        return HostConfiguration.Load(new HostOptions { File = file }, NoVariables);
    }
}

using PageShare.TestKit;

namespace PageShare.IsolationTests.Shortages;

/// <summary>A process in a control group that may have less memory than its guests.</summary>
public sealed class MemoryLimitTests
{
    private const long LimitBytes = 128L << 20;
    private const string Megabytes = "256";

    [Theory, BothModes]
    public void GuestsLargerThanTheLimitFitWhileTheyShareAndAreKilledAsAnyProgramWhenTheyDoNot(FaultMode mode)
    {
        using var group = MemoryGroup.Create(LimitBytes);
        var without = Run(group, "none").Expect(ProbeProcess.Killed);
        Assert.DoesNotContain("filled", without.Output, StringComparison.Ordinal);
        var with = Run(group, mode.ToString()).Expect(ProbeProcess.Killed);
        Assert.Equal("filled\n", with.Output);
    }

    private static ProbeResult Run(MemoryGroup group, string engine) => ProbeProcess.Run(
        new ProbeCommand("memory-limit", "--engine", engine, "--megabytes", Megabytes) { ControlGroup = group.Path });
}

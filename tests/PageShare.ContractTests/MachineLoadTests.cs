using PageShare.Platform;
using PageShare.TestKit;

namespace PageShare.ContractTests;

/// <summary>What the idle policy goes by, as this machine tells it.</summary>
public sealed class MachineLoadTests
{
    [Fact]
    public void BusyTimeGrowsWhileAProcessorWorks()
    {
        var source = HostPlatform.Create().LoadSource;
        Assert.True(source.TryRead(out var before));
        var after = before;
        Until.True(() => source.TryRead(out after) && after.Busy > before.Busy, "the processors were busy");
        Assert.True(after.Idle >= before.Idle);
    }
}

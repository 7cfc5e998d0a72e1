using PageShare.Fault;
using PageShare.Platform;

namespace PageShare.UnitTests.Fault;

public class HandlerHealthTests
{
    [Fact]
    public void OnlyAClearYesCountsAsInstalled()
    {
        Assert.Equal(HandlerStatus.Installed, HandlerHealth.Judge(1));
        Assert.Equal(HandlerStatus.Replaced, HandlerHealth.Judge(0));
        Assert.Equal(HandlerStatus.Replaced, HandlerHealth.Judge(-22));
    }

    [Fact]
    public void HandlerIsFoundOnceInstalled()
    {
        Assert.Equal(0, Shim.InstallHandler());
        Assert.Equal(HandlerStatus.Installed, HandlerHealth.Check());
    }
}

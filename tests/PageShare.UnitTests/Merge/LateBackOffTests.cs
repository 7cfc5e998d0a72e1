using PageShare.Merge;

namespace PageShare.UnitTests.Merge;

public class LateBackOffTests
{
    [Theory, InlineData(0), InlineData(7)]
    public void ALargeGuestMayTakeItsTimeInTheFirstPassToo(long firstPass)
    {
        var backOff = new LateBackOff();
        backOff.BeginPass(firstPass, pages: 1_000_000);
        backOff.CountWait(TimeSpan.FromSeconds(20)); // 20 us a page
        Assert.False(backOff.IsActive);
        backOff.CountWait(TimeSpan.FromSeconds(2));
        Assert.True(backOff.IsActive);
    }
}

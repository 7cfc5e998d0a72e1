namespace PageShare.UnitTests.Protocol;

public sealed class HostUserRuleTests
{
    private const uint Root = 0;
    private const uint Own = 1001;
    private const uint Other = 1002;

    [Fact]
    public void AHostIsRootsOrOnesOwnUnlessOthersAreNamed()
    {
        var usual = new GuestClientOptions();
        Assert.True(usual.AcceptsHostOf(Root, Own));
        Assert.True(usual.AcceptsHostOf(Own, Own));
        Assert.False(usual.AcceptsHostOf(Other, Own));
        Assert.False(usual.AcceptsHostOf(Other, Root));
        var naming = usual with { HostUsers = [Other] };
        Assert.True(naming.AcceptsHostOf(Other, Own));
        Assert.True(naming.AcceptsHostOf(Root, Own));
        Assert.False(naming.AcceptsHostOf(1003, Own));
    }
}

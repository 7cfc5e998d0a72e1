using PageShare.Cli;
using PageShare.Cli.Scan.Targets;

namespace PageShare.UnitTests.Cli.Scan;

public sealed class HostAddressTests
{
    private const string Nobody = "host:/nonexistent/pageshare.sock";

    [Theory]
    [InlineData("host:/run/ps.sock", "/run/ps.sock", null)]
    [InlineData("host:/run/ps.sock#web-1", "/run/ps.sock", "web-1")]
    [InlineData("host:/run/ps.sock#a#b c", "/run/ps.sock", "a#b c")]
    [InlineData("host:", "", null)]
    public void AHostAndAGuestOfItAreTold(string name, string socket, string? guest)
    {
        Assert.True(HostAddress.TryParse(name, out HostAddress address));
        Assert.Equal(new HostAddress(socket, guest), address);
        Assert.Equal(name, address.ToString());
    }

    [Theory]
    [InlineData("./host:/run/ps.sock")]
    [InlineData("hosts")]
    [InlineData("pid:1")]
    public void OtherNamesAreNone(string name) => Assert.False(HostAddress.TryParse(name, out _));

    [Fact]
    public void AHostThatIsNotThereIsATargetThatSaysSo()
    {
        Assert.Equal([Nobody], TargetName.Expand([Nobody]));
        using ScanTarget target = TargetName.Resolve(Nobody, new SharedMemory());

        TargetException failed = Assert.Throws<TargetException>(() => target.Ranges().ToList());

        Assert.Contains("no host listens there", failed.Message, StringComparison.Ordinal);
        Assert.Contains("pageshare host", failed.Message, StringComparison.Ordinal);
    }
}

using System.Net;
using PageShare.Host.Configuration;
using PageShare.Host.Web;

namespace PageShare.UnitTests.Host;

public sealed class HttpAddressTests
{
    [Theory]
    [InlineData("http://127.0.0.1:9750", 9750, 1)]
    [InlineData("http://127.0.0.1:9750/", 9750, 1)]
    [InlineData("http://[::1]:80", 80, 1)]
    [InlineData("http://localhost:0", 0, 2)]
    [InlineData("http://127.8.9.10:1", 1, 1)]
    public void TheLoopbackIsServed(string text, int port, int addresses)
    {
        var address = HttpAddress.Parse(text);
        Assert.Equal(port, address.Port);
        Assert.Equal(addresses, address.Addresses.Count);
        Assert.All(address.Addresses, static found => Assert.True(IPAddress.IsLoopback(found)));
        Assert.Null(address.SocketPath);
    }

    [Fact]
    public void AUnixSocketIsServed() => Assert.Equal("/run/x.sock", HttpAddress.Parse("unix:/run/x.sock").SocketPath);

    [Theory]
    [InlineData("http://0.0.0.0:9750", "not this machine's loopback")]
    [InlineData("http://[::]:9750", "not this machine's loopback")]
    [InlineData("http://example.com:80", "not this machine's loopback")]
    [InlineData("http://localhost.example.com:80", "not this machine's loopback")]
    [InlineData("http://10.0.0.1:9750", "no access control")]
    [InlineData("https://127.0.0.1:9750", "\"https\" is not offered")]
    [InlineData("http://127.0.0.1", "port is missing")]
    [InlineData("http://127.0.0.1:9750/metrics", "something behind it")]
    [InlineData("9750", "is no address")]
    [InlineData("unix:relative.sock", "must begin with \"/\"")]
    public void AnythingElseIsRefusedWithTheReason(string text, string reason)
    {
        var refusal = Assert.Throws<FormatException>(() => HttpAddress.Parse(text));
        Assert.Contains(reason, refusal.Message, StringComparison.Ordinal);
        Assert.Contains("Allowed are", refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("localhost", true)]
    [InlineData("LOCALHOST", true)]
    [InlineData("127.0.0.1", true)]
    [InlineData("[::1]", true)]
    [InlineData("evil.example", false)]
    [InlineData("localhost.evil.example", false)]
    [InlineData("127.0.0.1.evil.example", false)]
    [InlineData("", false)]
    public void OnlyTheNamesOfTheLoopbackAreAnswered(string host, bool isAnswered) =>
        Assert.Equal(isAnswered, new LoopbackNames(HttpAddress.Parse("http://127.0.0.1:1")).Allows(host));
}

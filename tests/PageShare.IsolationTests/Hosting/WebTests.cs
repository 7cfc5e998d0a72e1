using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using PageShare.TestKit;

namespace PageShare.IsolationTests.Hosting;

/// <summary>What a host serves over HTTP, asked for as scrapers and attackers do.</summary>
public sealed class WebTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly CancellationToken _cancel = TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task MetricsAndStatusShowTheGuestsAndThePageAllowsNothingFromElsewhere()
    {
        using var host = HostProcess.Start(_folder, "http=http://127.0.0.1:0");
        using var guest = GuestProcess.Start(host);
        guest.Do("allocate web-1 1048576");
        using var client = new HttpClient { BaseAddress = new Uri(host.Http) };

        using var metrics = await client.GetAsync("/metrics", _cancel);
        Assert.Equal("text/plain", metrics.Content.Headers.ContentType!.MediaType);
        Assert.Contains(
            $"guest=\"web-1\",user=\"{Mono.Unix.Native.Syscall.geteuid()}\"}} 256\n", await metrics.Content.ReadAsStringAsync(_cancel), StringComparison.Ordinal);

        using var status = JsonDocument.Parse(await client.GetStringAsync("/status", _cancel));
        Assert.Equal(host.ProcessId, status.RootElement.GetProperty("processId").GetInt32());
        Assert.Equal("attached", status.RootElement.GetProperty("processes")[0].GetProperty("state").GetString());
        Assert.Equal(
            256, status.RootElement.GetProperty("engine").GetProperty("totals").GetProperty("pagesTotal").GetInt64());

        using var page = await client.GetAsync("/", _cancel);
        var policy = Assert.Single(page.Headers.GetValues("Content-Security-Policy"));
        Assert.Contains("default-src 'none'", policy, StringComparison.Ordinal);
        Assert.Contains("script-src 'sha256-", policy, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.NotFound, (await client.GetAsync("/elsewhere", _cancel)).StatusCode);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, (await client.PostAsync("/status", null, _cancel)).StatusCode);
    }

    [Theory]
    [InlineData("evil.example", HttpStatusCode.MisdirectedRequest)]
    [InlineData("evil.example:80", HttpStatusCode.MisdirectedRequest)]
    [InlineData("localhost.evil.example", HttpStatusCode.MisdirectedRequest)]
    [InlineData("localhost", HttpStatusCode.OK)]
    [InlineData("[::1]:9750", HttpStatusCode.OK)]
    public async Task ANameThatAnAttackerHasResolveToTheLoopbackIsNotAnswered(string name, HttpStatusCode code)
    {
        using var host = HostProcess.Start(_folder, "http=http://127.0.0.1:0");
        using var client = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(new Uri(host.Http), "/status"));
        request.Headers.Host = name;
        using var answer = await client.SendAsync(request, _cancel);
        Assert.Equal(code, answer.StatusCode);
    }

    [Fact]
    public async Task AUnixSocketIsServedForItsOwnerAloneAndIsGoneAfterwards()
    {
        var path = Path.Combine(_folder.Path, "http.sock");
        using var host = HostProcess.Start(_folder, $"http=unix:{path}");
        Assert.Equal(0, Mono.Unix.Native.Syscall.stat(path, out var file));
        Assert.Equal(
            (Mono.Unix.Native.FilePermissions)0b110_000_000, file.st_mode & Mono.Unix.Native.FilePermissions.ALLPERMS);
        using var client = new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancel) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancel);
                return new NetworkStream(socket, ownsSocket: true);
            },
        });
        Assert.Contains("hostId", await client.GetStringAsync("http://anything/status", _cancel),
            StringComparison.Ordinal);
        Assert.Equal(0, host.Stop());
        Assert.Empty(Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void AnAddressThatOthersCanReachIsRefusedWithTheReason()
    {
        var (code, log) = HostProcess.Fail(_folder, "http=http://0.0.0.0:9750");
        Assert.NotEqual(0, code);
        Assert.Contains("not this machine's loopback", log, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void APortThatIsTakenIsNamed()
    {
        using var taken = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        taken.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        taken.Listen(1);
        var address = $"http://127.0.0.1:{((IPEndPoint)taken.LocalEndPoint!).Port}";
        var (code, log) = HostProcess.Fail(_folder, $"http={address}");
        Assert.Equal(1, code);
        Assert.Contains($"nothing can be served at {address}", log, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(_folder.Path));
    }
}

using System.Net.Sockets;
using PageShare.Platform.Linux;
using PageShare.Protocol;
using PageShare.Protocol.Messages;
using PageShare.TestKit;
using PageShare.TestKit.Proof;

namespace PageShare.UnitTests.Protocol;

/// <summary>Requests and their answers, against a host that does as the test says.</summary>
public sealed class HostClientTests : IDisposable
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(30);
    private static readonly WelcomeAnswer Welcome = new(Guid.NewGuid(), "9.9");

    private readonly TemporaryFolder _folder = new();
    private readonly Socket? _listener;

    public HostClientTests()
    {
        if (Platform.KernelProbe.IsLinux)
        {
            _listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            _listener.Bind(new UnixDomainSocketEndPoint(SocketPath));
            _listener.Listen(10);
        }
    }

    private string SocketPath => Path.Combine(_folder.Path, "host.sock");

    public void Dispose()
    {
        _listener?.Dispose();
        _folder.Dispose();
    }

    [LinuxFact]
    public async Task HelloIsSaidAndAnswered()
    {
        var host = Serve((channel, _) => Answer(channel, MessageKind.Done, new EmptyBody()));
        using var client = HostClient.Connect(SocketPath, "test", isOperator: true);
        Assert.Equal(Welcome, client.Welcome);
        client.Request(MessageKind.Grow, new GrowRequest(1, 2));
        Assert.Equal(["test, operator", "Grow"], await host);
    }

    [LinuxFact]
    public async Task ARefusalCarriesTheReasonAndTheConnectionGoesOn()
    {
        var host = Serve(
            (channel, _) => Answer(channel, MessageKind.Refused, new Refusal(RefusalCode.OverQuota, "too much")),
            (channel, _) => Answer(channel, MessageKind.Done, new EmptyBody()));
        using var client = HostClient.Connect(SocketPath, "test");
        var refused = Assert.Throws<RefusedException>(() => client.Request(MessageKind.Grow, new GrowRequest(1, 2)));
        Assert.Equal(RefusalCode.OverQuota, refused.Code);
        Assert.Contains("too much", refused.Message, StringComparison.Ordinal);
        client.Request(MessageKind.Grow, new GrowRequest(1, 2));
        await host;
    }

    [LinuxFact]
    public async Task ARefusedHelloSaysWhy()
    {
        var host = Task.Run(() =>
        {
            using var channel = FrameChannel.FromSocket(_listener!.Accept());
            channel.Send(MessageKind.Refused, new Refusal(RefusalCode.NotAllowed, "not you"));
        });
        var refused = Assert.Throws<RefusedException>(() => HostClient.Connect(SocketPath, "test"));
        Assert.Contains("not you", refused.Message, StringComparison.Ordinal);
        await host;
    }

    [LinuxFact]
    public async Task AnAnswerOfAnotherKindIsAnErrorAndItsDescriptorsAreClosed()
    {
        using var memory = Memfd.Create("wrong-answer", 4096);
        var host = Serve((channel, _) => channel.Send(
            MessageKind.Contents, new ContentsAnswer(1, ""), memory));
        using var client = HostClient.Connect(SocketPath, "test");
        var error = Assert.Throws<ProtocolException>(() => client.Request(MessageKind.Grow, new GrowRequest(1, 2)));
        Assert.Contains("answers Grow with Contents", error.Message, StringComparison.Ordinal);
        Assert.Equal(1, OpenDescriptors.CountOf("wrong-answer"));
        Assert.True(client.WaitForHangUp(Soon)); // nobody could tell later answers apart
        Assert.ThrowsAny<IOException>(() => client.Request(MessageKind.Grow, new GrowRequest(1, 2)));
        await host;
    }

    [LinuxFact]
    public async Task AHostThatGoesAwayOrSaysNothingIsReported()
    {
        var host = Serve(static (_, _) => { });
        using (var client = HostClient.Connect(SocketPath, "test"))
        {
            await Assert.ThrowsAnyAsync<IOException>(async () =>
            {
                client.Request(MessageKind.Grow, new GrowRequest(1, 2));
                await host;
            });
        }

        // Connected, but never accepted.
        Assert.Throws<TimeoutException>(
            () => HostClient.Connect(SocketPath, "test", timeout: TimeSpan.FromMilliseconds(50)));
    }

    [LinuxFact]
    public async Task ThreadsGetTheirOwnAnswers()
    {
        const int Requests = 400;
        var host = Serve([.. Enumerable.Repeat<Action<FrameChannel, Frame>>(Echo, Requests)]);
        using var client = HostClient.Connect(SocketPath, "test");
        Parallel.For(0, Requests, i => Assert.Equal(
            new ContentsAnswer(i, ""),
            client.Request<ContentsRequest, ContentsAnswer>(
                MessageKind.GetContents, new ContentsRequest("x", i), MessageKind.Contents)));
        await host;
    }

    private static void Echo(FrameChannel channel, Frame request) => channel.Send(
        MessageKind.Contents, new ContentsAnswer(request.Read<ContentsRequest>().FirstPage, ""));

    private static void Answer<T>(FrameChannel channel, MessageKind kind, T body) => channel.Send(kind, body);

    /// <summary>Accepts one client, welcomes it, and answers its requests one after the other.</summary>
    private Task<List<string>> Serve(params Action<FrameChannel, Frame>[] answers) => Task.Run(() =>
    {
        var seen = new List<string>();
        using var channel = FrameChannel.FromSocket(_listener!.Accept());
        using (var hello = channel.Receive(Soon)!)
        {
            var body = hello.Read<HelloRequest>();
            seen.Add(body.IsOperator ? $"{body.Program}, operator" : body.Program);
        }

        channel.Send(MessageKind.Welcome, Welcome);
        foreach (var answer in answers)
        {
            using var request = channel.Receive(Soon)!;
            seen.Add($"{request.Kind}");
            answer(channel, request);
        }

        return seen;
    });
}

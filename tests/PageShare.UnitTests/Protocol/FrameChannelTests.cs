using System.Net.Sockets;
using Microsoft.Win32.SafeHandles;
using PageShare.Platform.Linux;
using PageShare.Protocol;
using PageShare.Protocol.Messages;
using PageShare.TestKit;
using PageShare.TestKit.Proof;

namespace PageShare.UnitTests.Protocol;

/// <summary>Frames and descriptors over real sockets.</summary>
public sealed class FrameChannelTests : IDisposable
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(30); // only a test that fails waits this long

    private readonly UnixSocketPair? _pair;
    private readonly FrameChannel _channel = null!;

    public FrameChannelTests()
    {
        if (Platform.KernelProbe.IsLinux)
        {
            _pair = new UnixSocketPair();
            _channel = FrameChannel.FromSocket(_pair.One);
        }
    }

    private Socket Raw => _pair!.Other;

    public void Dispose()
    {
        _channel?.Dispose();
        _pair?.Dispose();
    }

    [LinuxFact]
    public void FramesGoBothWaysWithTheirDescriptors()
    {
        using var other = FrameChannel.FromSocket(Raw);
        using var memory = Memfd.Create("frames-both-ways", 8192);
        _channel.Send(MessageKind.Hello, new HelloRequest("test"));
        _channel.Send(
            MessageKind.Allocated,
            (AllocatedAnswer)SampleMessages.All[MessageKind.Allocated],
            memory, memory, memory, memory);
        _channel.Send(MessageKind.Done, new EmptyBody());
        other.Send(MessageKind.Refused, new Refusal(RefusalCode.Invalid, "no"));

        using (var hello = other.Receive(Soon)!)
        {
            Assert.Equal("test", hello.Read<HelloRequest>().Program);
            Assert.Empty(hello.Descriptors);
        }

        using (var allocated = other.Receive(Soon)!)
        {
            Assert.Equal(SampleMessages.All[MessageKind.Allocated], allocated.Read<AllocatedAnswer>());
            Assert.Equal(4, allocated.Descriptors.Count);
            Assert.All(allocated.Descriptors, descriptor => Assert.Equal(8192, RandomAccess.GetLength(descriptor)));
            Assert.Equal(5, OpenDescriptors.CountOf("frames-both-ways"));
        }

        Assert.Equal(1, OpenDescriptors.CountOf("frames-both-ways"));
        using (var done = other.Receive(Soon)!)
        {
            Assert.Equal(MessageKind.Done, done.Kind);
        }

        using var refused = _channel.Receive(Soon)!;
        Assert.Equal("no", refused.Read<Refusal>().Reason);
    }

    [LinuxFact]
    public void ADescriptorThatWasTakenOutlivesItsFrame()
    {
        using var memory = Memfd.Create("taken-descriptor", 4096);
        Send(SampleMessages.FrameOf(MessageKind.Allocated), memory, memory, memory, memory);
        SafeFileHandle taken;
        using (var frame = _channel.Receive(Soon)!)
        {
            taken = frame.Take(2);
            Assert.Throws<InvalidOperationException>(() => frame.Take(2));
            Assert.Equal(4, frame.Descriptors.Count);
        }

        Assert.Equal(2, OpenDescriptors.CountOf("taken-descriptor"));
        taken.Dispose();
        Assert.Equal(1, OpenDescriptors.CountOf("taken-descriptor"));
    }

    [LinuxFact]
    public void ReceivedDescriptorsAreNotForChildren()
    {
        using var memory = Memfd.Create("close-on-exec", 4096);
        Send(SampleMessages.FrameOf(MessageKind.Allocated), memory, memory, memory, memory);
        using var frame = _channel.Receive(Soon)!;
        foreach (var descriptor in frame.Descriptors)
        {
            var flags = File.ReadLines($"/proc/self/fdinfo/{descriptor.DangerousGetHandle()}").First(
                line => line.StartsWith("flags:", StringComparison.Ordinal));
            Assert.NotEqual(0, Convert.ToInt64(flags.Split('\t')[1], 8) & 0x80000); // O_CLOEXEC
        }
    }

    [LinuxFact]
    public async Task AFrameMayComeByteByByte()
    {
        using var memory = Memfd.Create("byte-by-byte", 4096);
        var bytes = SampleMessages.FrameOf(MessageKind.Allocated);
        var receiving = _channel.ReceiveAsync(TestContext.Current.CancellationToken);
        Send(bytes.AsSpan(0, 1), memory, memory, memory, memory);
        for (var at = 1; at < bytes.Length; at++)
        {
            Assert.False(receiving.IsCompleted);
            Send(bytes.AsSpan(at, 1));
        }

        using var frame = await receiving;
        Assert.Equal(SampleMessages.All[MessageKind.Allocated], frame!.Read<AllocatedAnswer>());
    }

    [LinuxFact]
    public void TheLongestFramePasses()
    {
        var longest = new ContentsAnswer(1, new string('p', FrameHeader.MaximumBodyLength - 30));
        using var other = FrameChannel.FromSocket(Raw);
        var sending = Task.Run(() => other.Send(MessageKind.Contents, longest));
        using var frame = _channel.Receive(Soon)!;
        Assert.Equal(longest, frame.Read<ContentsAnswer>());
        Assert.True(sending.Wait(Soon));
    }

    [LinuxFact]
    public async Task TheEndOfTheStreamIsNoError()
    {
        Send(SampleMessages.FrameOf(MessageKind.Hello));
        Raw.Dispose();
        using var frame = _channel.Receive(Soon);
        Assert.NotNull(frame);
        Assert.Null(_channel.Receive(Soon));
        Assert.Null(await _channel.ReceiveAsync(TestContext.Current.CancellationToken));
        Assert.True(_channel.WaitForHangUp(Soon));
    }

    [LinuxFact]
    public void AnEndInTheMiddleIsAnError()
    {
        foreach (var kept in new[] { 1, 15, 16, 17, 40 })
        {
            using var pair = new UnixSocketPair();
            using var channel = FrameChannel.FromSocket(pair.One);
            using var memory = Memfd.Create("cut-short", 4096);
            UnixSocket.TrySend(
                pair.Other, SampleMessages.FrameOf(MessageKind.Allocated).AsSpan(0, kept), Numbers(memory, 4));
            pair.Other.Dispose();
            var error = Assert.Throws<ProtocolException>(() => channel.Receive(Soon));
            Assert.Contains("in the middle", error.Message, StringComparison.Ordinal);
            Assert.Equal(1, OpenDescriptors.CountOf("cut-short"));
        }
    }

    [LinuxFact]
    public void TooManyAndTooFewDescriptorsAreErrorsAndAreClosed()
    {
        foreach (var count in new[] { 0, 3, 5, 16, 17, 100 })
        {
            using var pair = new UnixSocketPair();
            using var channel = FrameChannel.FromSocket(pair.One);
            using var memory = Memfd.Create("wrong-count", 4096);
            UnixSocket.TrySend(pair.Other, SampleMessages.FrameOf(MessageKind.Allocated), Numbers(memory, count));
            var error = Assert.Throws<ProtocolException>(() => channel.Receive(Soon));
            Assert.Contains("escriptors", error.Message, StringComparison.Ordinal);
            Assert.Equal(1, OpenDescriptors.CountOf("wrong-count"));
        }
    }

    [LinuxFact]
    public void DescriptorsInTheMiddleOfAFrameAreAnErrorAndAreClosed()
    {
        using var memory = Memfd.Create("in-the-middle", 4096);
        var bytes = SampleMessages.FrameOf(MessageKind.Hello);
        Send(bytes.AsSpan(0, 20));
        Send(bytes.AsSpan(20), memory);
        var error = Assert.Throws<ProtocolException>(() => _channel.Receive(Soon));
        Assert.Contains("in the middle", error.Message, StringComparison.Ordinal);
        Assert.Equal(1, OpenDescriptors.CountOf("in-the-middle"));
    }

    [LinuxFact]
    public void DescriptorsOfTheNextFrameStayWithIt()
    {
        using var memory = Memfd.Create("next-frame", 4096);
        Send(SampleMessages.FrameOf(MessageKind.Hello));
        Send(SampleMessages.FrameOf(MessageKind.Allocated), memory, memory, memory, memory);
        Send(SampleMessages.FrameOf(MessageKind.Done));
        using var first = _channel.Receive(Soon)!;
        using var second = _channel.Receive(Soon)!;
        using var third = _channel.Receive(Soon)!;
        Assert.Empty(first.Descriptors);
        Assert.Equal(4, second.Descriptors.Count);
        Assert.Empty(third.Descriptors);
    }

    [LinuxFact]
    public async Task ASilentPeerTimesOutAndTheChannelStaysUsable()
    {
        Assert.Throws<TimeoutException>(() => _channel.Receive(TimeSpan.Zero));
        using var cancelled = new CancellationTokenSource();
        var receiving = _channel.ReceiveAsync(cancelled.Token);
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await receiving);
        Send(SampleMessages.FrameOf(MessageKind.Hello));
        using var frame = _channel.Receive(Soon);
        Assert.NotNull(frame);
    }

    [LinuxFact]
    public async Task APeerThatDoesNotFinishItsFrameIsGivenUp()
    {
        _channel.FrameTimeout = TimeSpan.FromMilliseconds(20);
        Send(SampleMessages.FrameOf(MessageKind.Hello).AsSpan(0, 10));
        var error = Assert.Throws<ProtocolException>(() => _channel.Receive(Soon));
        Assert.Contains("did not finish", error.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<ProtocolException>(
            async () => await _channel.ReceiveAsync(TestContext.Current.CancellationToken));
    }

    [LinuxFact]
    public void APeerThatDoesNotReadHoldsNobodyForEver()
    {
        _channel.SendTimeout = TimeSpan.FromMilliseconds(20);
        Assert.Throws<TimeoutException>(() =>
        {
            for (var i = 0; i < 10_000; i++)
            {
                _channel.Send(MessageKind.Hello, new HelloRequest(new string('x', 10_000)));
            }
        });
    }

    [LinuxFact]
    public void SendingToAPeerThatIsGoneFailsWithoutASignal()
    {
        Raw.Dispose();
        Assert.ThrowsAny<IOException>(() => _channel.Send(MessageKind.Hello, new HelloRequest("x")));
    }

    [LinuxFact]
    public void ShutdownEndsAReceiveThatIsUnderWay()
    {
        Frame? received = null;
        var thread = new Thread(() => received = _channel.Receive(Timeout.InfiniteTimeSpan));
        thread.Start();
        _channel.Shutdown(); // before or after it began to wait
        Assert.True(thread.Join(Soon));
        Assert.Null(received);
    }

    [LinuxFact]
    public void WhatDoesNotFitIsNotSent()
    {
        using var memory = Memfd.Create("not-sent", 4096);
        Assert.Throws<ArgumentException>(() => _channel.Send(MessageKind.Hello, new HelloRequest("x"), memory));
        Assert.Throws<ArgumentException>(() => _channel.Send(MessageKind.None, new HelloRequest("x")));
        Assert.Throws<ArgumentException>(() => _channel.Send(MessageKind.Grow, new HelloRequest("x")));
        var closed = Memfd.Create("closed", 4096);
        closed.Dispose();
        Assert.Throws<ObjectDisposedException>(() => _channel.Send(
            MessageKind.Contents, new ContentsAnswer(1, ""), closed));
        Assert.Equal(0, Raw.Available);
    }

    [LinuxFact]
    public void ThePeerIsWhoTheKernelSays()
    {
        Assert.Equal(Environment.ProcessId, _channel.Peer.ProcessId);
        Assert.Equal(Mono.Unix.Native.Syscall.geteuid(), _channel.Peer.UserId);
        Assert.Equal(Mono.Unix.Native.Syscall.getegid(), _channel.Peer.GroupId);
        using var process = _channel.OpenPeerPidfd();
        Assert.NotNull(process);
        var info = File.ReadAllText($"/proc/self/fdinfo/{process.DangerousGetHandle()}");
        Assert.Contains($"Pid:\t{Environment.ProcessId}", info, StringComparison.Ordinal);
    }

    [LinuxFact]
    public void ConnectingSaysWhenNobodyListens()
    {
        using var folder = new TemporaryFolder();
        var path = Path.Combine(folder.Path, "socket");
        Assert.Throws<SocketException>(() => FrameChannel.Connect(path));
        using (var listener = Listen(path))
        {
            using var channel = FrameChannel.Connect(path);
            using var accepted = FrameChannel.FromSocket(listener.Accept());
            channel.Send(MessageKind.Hello, new HelloRequest("test"));
            using var frame = accepted.Receive(Soon);
            Assert.NotNull(frame);
        }

        Assert.Throws<SocketException>(() => FrameChannel.Connect(path));
    }

    [LinuxFact]
    public void ConnectingToAHostThatAcceptsNobodyTimesOut()
    {
        using var folder = new TemporaryFolder();
        var path = Path.Combine(folder.Path, "socket");
        using var listener = Listen(path);
        var waiting = new List<FrameChannel>();
        Assert.Throws<TimeoutException>(() =>
        {
            for (var i = 0; i < 10; i++)
            {
                waiting.Add(FrameChannel.Connect(path, TimeSpan.FromMilliseconds(50)));
            }
        });
        waiting.ForEach(static channel => channel.Dispose());
    }

    private static Socket Listen(string path)
    {
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen(1);
        return listener;
    }

    private static int[] Numbers(Memfd memory, int count) => [.. Enumerable.Repeat(memory.Descriptor, count)];

    private void Send(ReadOnlySpan<byte> bytes, params Memfd[] descriptors) =>
        Assert.Equal(
            bytes.Length, UnixSocket.TrySend(Raw, bytes, [.. descriptors.Select(memory => memory.Descriptor)]));
}

using System.Collections.Concurrent;
using System.Net.Sockets;
using PageShare.Memory;
using PageShare.Metrics;
using PageShare.Platform;
using PageShare.Protocol;
using PageShare.Protocol.Messages;
using PageShare.TestKit;

namespace PageShare.IsolationTests.Attached;

/// <summary>
/// A host that does what a test tells it to, and nothing by itself: it makes the memory, and merges what the test
/// orders. Its memory objects begin with a name of its own, so that a test can count them.
/// </summary>
internal sealed class TestHost : IDisposable
{
    private readonly IPlatform _platform = HostPlatform.Create();
    private readonly Socket _listener;
    private readonly Thread _accepting;
    private readonly ConcurrentDictionary<FrameChannel, Thread> _sessions = new();
    private readonly Dictionary<long, TestHostGuest> _guests = [];     // guard: itself
    private readonly Dictionary<string, TestStore> _stores = [];       // guard: the guests
    private long _nextId;
    private volatile bool _isEnding;

    public TestHost(string path)
    {
        Prefix = $"th-{Guid.NewGuid():N}-"[..12];
        _listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        _listener.Bind(new UnixDomainSocketEndPoint(path));
        _listener.Listen(100);
        _accepting = new Thread(Accept) { IsBackground = true };
        _accepting.Start();
    }

    public Guid Id { get; } = Guid.NewGuid();

    /// <summary>How the names of all its memory objects begin.</summary>
    public string Prefix { get; }

    /// <summary>Answers a request in its own way: true if it has.</summary>
    public Func<FrameChannel, Frame, bool>? Intercept { get; set; }

    /// <summary>What clients have sent, in order.</summary>
    public ConcurrentQueue<MessageKind> Received { get; } = new();

    public ConcurrentQueue<ResumeRequest> Resumes { get; } = new();

    public int Connections => _sessions.Count;

    public TestHostGuest this[string name]
    {
        get
        {
            lock (_guests)
            {
                return _guests.Values.Single(guest => guest.Name == Prefix + name);
            }
        }
    }

    public int GuestCount
    {
        get
        {
            lock (_guests)
            {
                return _guests.Count;
            }
        }
    }

    /// <summary>Ends all connections, and keeps the guests.</summary>
    public void Disconnect()
    {
        foreach (var channel in _sessions.Keys)
        {
            channel.Shutdown();
        }
    }

    /// <summary>What SIGKILL does: connections and listener end, and nobody is told anything.</summary>
    public void Dispose()
    {
        _isEnding = true;
        _listener.Dispose();
        _accepting.Join();
        Disconnect();
        foreach (var thread in _sessions.Values)
        {
            thread.Join();
        }

        lock (_guests)
        {
            foreach (var guest in _guests.Values)
            {
                guest.Dispose();
            }

            foreach (var store in _stores.Values)
            {
                store.Dispose();
            }

            _guests.Clear();
            _stores.Clear();
        }
    }

    private void Accept()
    {
        try
        {
            while (true)
            {
                var channel = FrameChannel.FromSocket(_listener.Accept());
                var thread = new Thread(() => Serve(channel)) { IsBackground = true };
                _sessions[channel] = thread;
                thread.Start();
            }
        }
        catch (Exception ended) when (ended is SocketException or ObjectDisposedException)
        {
            Assert.True(_isEnding, ended.ToString());
        }
    }

    private void Serve(FrameChannel channel)
    {
        try
        {
            while (channel.Receive(Timeout.InfiniteTimeSpan) is { } frame)
            {
                using (frame)
                {
                    Received.Enqueue(frame.Kind);
                    if (Intercept?.Invoke(channel, frame) != true)
                    {
                        Answer(channel, frame);
                    }
                }
            }
        }
        catch (IOException)
        {
            // The client is gone, or this host has "died".
        }
        finally
        {
            _sessions.TryRemove(channel, out _);
            channel.Dispose();
        }
    }

    private void Answer(FrameChannel channel, Frame frame)
    {
        lock (_guests)
        {
            switch (frame.Kind)
            {
                case MessageKind.Hello:
                    channel.Send(MessageKind.Welcome, new WelcomeAnswer(Id, "test"));
                    break;
                case MessageKind.Allocate:
                    Allocate(channel, frame.Read<AllocateRequest>());
                    break;
                case MessageKind.Resume:
                    Resume(channel, frame, frame.Read<ResumeRequest>());
                    break;
                case MessageKind.Attached:
                    _guests[frame.Read<GuestRequest>().GuestId].IsAttached = true;
                    Done(channel);
                    break;
                case MessageKind.Grow:
                    var grow = frame.Read<GrowRequest>();
                    _guests[grow.GuestId].Pages = grow.Pages;
                    Done(channel);
                    break;
                case MessageKind.Control:
                    var control = frame.Read<ControlRequest>();
                    this[control.Guest!].IsSharing = control.Action == ControlAction.Resume;
                    Done(channel);
                    break;
                case MessageKind.Free:
                    Assert.True(_guests.Remove(frame.Read<GuestRequest>().GuestId, out var freed));
                    freed.Dispose();
                    Done(channel);
                    break;
                case MessageKind.GetSnapshot:
                    var guest = _guests[frame.Read<GuestRequest>().GuestId];
                    channel.Send(MessageKind.Snapshot, new SnapshotAnswer(new GuestSnapshot
                    {
                        Name = guest.Name,
                        Domain = "default",
                        Sharing = guest.IsSharing,
                        Counters = new CounterSet { PagesTotal = guest.Pages },
                    }));
                    break;
                default:
                    channel.Send(MessageKind.Refused, new Refusal(RefusalCode.Invalid, $"no {frame.Kind} here"));
                    break;
            }
        }
    }

    private static void Done(FrameChannel channel) => channel.Send(MessageKind.Done, new EmptyBody());

    private TestStore StoreOf(string domain)
    {
        if (!_stores.TryGetValue(domain, out var store))
        {
            _stores[domain] = store = new TestStore(_platform, $"{Prefix}store-{domain}");
        }

        return store;
    }

    private void Allocate(FrameChannel channel, AllocateRequest request)
    {
        var domain = request.Domain ?? "default";
        var guest = TestHostGuest.Create(_platform, ++_nextId, request, StoreOf(domain), Prefix);
        _guests[guest.Id] = guest;
        channel.Send(
            MessageKind.Allocated,
            new AllocatedAnswer(
                guest.Id, domain, guest.Pages, guest.MaximumPages, TestStore.Frames * PageSize.Bytes,
                request.FaultMode ?? FaultMode.Signal, TrackWrites: false, BreakTimeoutNanoseconds: 1_000_000_000,
                BreakPages: 16),
            guest.Descriptors);
    }

    private void Resume(FrameChannel channel, Frame frame, ResumeRequest request)
    {
        Resumes.Enqueue(request);
        var isSame = request.FormerHostId == Id;
        var guest = isSame
            ? _guests[request.FormerGuestId]
            : TestHostGuest.TakeOver(_platform, ++_nextId, request, frame, StoreOf(request.Domain), Prefix);
        _guests[guest.Id] = guest;
        channel.Send(
            MessageKind.Resumed,
            new ResumedAnswer(guest.Id, isSame, TestStore.Frames * PageSize.Bytes, false, 1_000_000_000),
            isSame ? [] : guest.NewDescriptors);
    }
}

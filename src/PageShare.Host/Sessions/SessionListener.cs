using System.Diagnostics.CodeAnalysis;
using System.Net.Sockets;
using PageShare.Host.Access;
using PageShare.Host.Sockets;
using PageShare.Protocol;
using PageShare.Protocol.Messages;

namespace PageShare.Host.Sessions;

/// <summary>Accepts connections, and starts a session for each that may be.</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class SessionListener : IDisposable
{
    private const int SessionStackBytes = 512 * 1024;

    // Doubles from the first to the last: descriptors come back when others' connections end.
    private static readonly TimeSpan ShortestRest = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan LongestRest = TimeSpan.FromSeconds(1);

    private readonly SocketFile _socket;
    private readonly SessionServices _services;
    private readonly AccountBook _accounts;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Lock _lock = new();
    private readonly Dictionary<Session, Thread> _sessions = []; // guard: _lock
    private readonly Thread _thread;

    /// <summary>Accepts from now on.</summary>
    /// <param name="socket">Listens; this object's from now on.</param>
    /// <param name="services">For the sessions.</param>
    public SessionListener(SocketFile socket, SessionServices services)
    {
        _socket = socket;
        _services = services;
        _accounts = new AccountBook(TimeProvider.System, services.Limits.RequestsPerSecond);
        _thread = new Thread(Run) { IsBackground = true, Name = "accept" };
        _thread.Start();
    }

    /// <summary>Connections now.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _sessions.Count;
            }
        }
    }

    /// <summary>Closes every connection and the socket, removes its file, and waits for requests under way.</summary>
    public void Dispose()
    {
        _stopping.Cancel();
        _socket.Dispose();
        _thread.Join();
        KeyValuePair<Session, Thread>[] sessions;
        lock (_lock)
        {
            sessions = [.. _sessions];
        }

        foreach (var (session, _) in sessions)
        {
            session.Close();
        }

        foreach (var (_, thread) in sessions)
        {
            thread.Join();
        }

        _stopping.Dispose();
    }

    private void Run()
    {
        var rest = TimeSpan.Zero;
        while (!_stopping.IsCancellationRequested)
        {
            Socket? accepted = null;
            try
            {
                accepted = _socket.Socket.Accept();
                Admit(accepted);
                if (rest > TimeSpan.Zero)
                {
                    _services.Log.AcceptRecovered();
                    rest = TimeSpan.Zero;
                }
            }
            catch (Exception failure) when (failure
                is SocketException or ObjectDisposedException or OutOfMemoryException or IOException)
            {
                accepted?.Dispose();
                if (_stopping.IsCancellationRequested)
                {
                    return;
                }

                // Out of descriptors or threads, most likely. Who waits stays in the socket's queue meanwhile; without
                // a rest this loop would take a processor and change nothing.
                if (rest == TimeSpan.Zero)
                {
                    _services.Log.AcceptFailed(failure.Message);
                }

                rest = rest == TimeSpan.Zero ? ShortestRest
                    : TimeSpan.FromTicks(Math.Min(2 * rest.Ticks, LongestRest.Ticks));
                _stopping.Token.WaitHandle.WaitOne(rest);
            }
        }
    }

    private void Admit(Socket accepted)
    {
        var channel = FrameChannel.FromSocket(accepted);
        try
        {
            channel.FrameTimeout = _services.Limits.FrameTimeout;
            channel.SendTimeout = _services.Limits.FrameTimeout;
            var peer = channel.Peer;
            if (!TryAdmit(peer, out var rights, out var account, out var refusal))
            {
                Refuse(channel, refusal);
                return;
            }

            try
            {
                Start(new Session(channel, rights, account, _services, _stopping.Token), account);
            }
            catch
            {
                Release(account, rights);
                throw;
            }
        }
        catch
        {
            channel.Dispose();
            throw;
        }
    }

    private bool TryAdmit(
        PeerCredentials peer,
        [NotNullWhen(true)] out UserRights? rights,
        [NotNullWhen(true)] out UserAccount? account,
        [NotNullWhen(false)] out Refusal? refusal)
    {
        account = null;
        refusal = null;
        rights = _services.Policy.RightsOf(peer.UserId);
        if (rights is null)
        {
            refusal = new Refusal(
                RefusalCode.NotAllowed,
                $"User {_services.Names.Describe(peer.UserId)} may not use this host: its configuration must "
                + "name the user in \"users\" or in a domain.");
        }
        else if (peer.ProcessId <= 0)
        {
            refusal = new Refusal(
                RefusalCode.NotAllowed,
                "The host does not see this process: it runs in another PID namespace, so its end could not be "
                + "noticed.");
        }
        else if (Count >= _services.Limits.Connections)
        {
            refusal = new Refusal(
                RefusalCode.OutOfResources,
                $"The host has {_services.Limits.Connections} connections, the most that it takes.");
        }
        else if ((account = _accounts.Connect(rights.User, _services.Limits.ConnectionsPerUser)) is null)
        {
            refusal = new Refusal(
                RefusalCode.OverQuota,
                $"User {_services.Names.Describe(rights.User)} has {_services.Limits.ConnectionsPerUser} "
                + "connections, the most that one user may have.");
        }

        return refusal is null;
    }

    private void Refuse(FrameChannel channel, Refusal refusal)
    {
        _services.LogRefusedConnection(channel.Peer.UserId, channel.Peer.ProcessId, refusal.Reason);
        try
        {
            // Into an empty buffer: it can't make the loop wait.
            channel.Send(MessageKind.Refused, refusal);
        }
        catch (Exception gone) when (gone is IOException or TimeoutException)
        {
            // It did not want to know.
        }

        channel.Dispose();
    }

    private void Start(Session session, UserAccount account)
    {
        var thread = new Thread(() => Serve(session, account), SessionStackBytes)
        {
            IsBackground = true,
            Name = "session",
        };
        lock (_lock)
        {
            _sessions.Add(session, thread);
        }

        try
        {
            thread.Start();
        }
        catch
        {
            Forget(session);
            throw;
        }
    }

    private void Serve(Session session, UserAccount account)
    {
        session.Run();

        // First the guests, then the account: it may be forgotten only when it has neither.
        _services.Guests.Lose(session);
        Release(account, session.Rights);
        Forget(session);
    }

    private void Release(UserAccount account, UserRights rights)
    {
        account.Disconnect();
        _accounts.Forget(rights.User);
    }

    private void Forget(Session session)
    {
        lock (_lock)
        {
            _sessions.Remove(session);
        }
    }
}

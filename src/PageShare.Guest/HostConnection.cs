using System.Diagnostics;
using System.Net.Sockets;
using PageShare.Attachment;
using PageShare.Platform;
using PageShare.Platform.Linux;
using PageShare.Protocol;
using PageShare.Protocol.Messages;

namespace PageShare;

/// <summary>
/// A client's connection, as it is made anew whenever it breaks, by a thread that watches it and has the host of the
/// day go on with the guests.
/// </summary>
/// <remarks>Thread-safe. A guest's lock may be held when this one's is taken, and not the other way round.</remarks>
internal sealed class HostConnection : IDisposable
{
    // Guests that need care are looked after often at first: a store of a former host keeps its memory for one page.
    private static readonly TimeSpan ShortestCare = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestCare = TimeSpan.FromSeconds(10);

    private readonly string _path;
    private readonly GuestClientOptions _options;
    private readonly Func<IReadOnlyList<GuestMemory>> _guests;
    private readonly Thread _watch;
    private readonly ManualResetEventSlim _isEnding = new();
    private readonly Lock _gate = new();

    // Guard of all: the gate.
    private readonly List<(Guid Host, long Guest)> _toFree = [];
    private HostClient? _current;
    private string? _problem;

    /// <param name="path">Full path of the host's socket.</param>
    /// <param name="options">Timeouts and pauses.</param>
    /// <param name="first">The first connection; owned from now on.</param>
    /// <param name="guests">Lists the client's guests.</param>
    public HostConnection(
        string path, GuestClientOptions options, HostClient first, Func<IReadOnlyList<GuestMemory>> guests)
    {
        _path = path;
        _options = options;
        _guests = guests;
        _current = first;
        _watch = new Thread(Watch) { IsBackground = true, Name = "pageshare-client" };
        _watch.Start();
    }

    /// <summary>Connects to the host at a path, if it is of a user who may have this process's memory.</summary>
    /// <exception cref="HostUnavailableException">It is of somebody else, who has learnt nothing.</exception>
    /// <inheritdoc cref="HostClient.Connect"/>
    public static HostClient Open(string path, GuestClientOptions options) => HostClient.Connect(
        path, options.Program, timeout: options.RequestTimeout, examine: host => Examine(host, path, options));

    /// <summary>The connection now; null while there is none that works.</summary>
    public HostClient? Current => Latest is { IsGivenUp: false } current ? current : null;

    /// <summary>Why no host could be reached the last time; null while connected.</summary>
    public string? Problem
    {
        get
        {
            lock (_gate)
            {
                return _problem;
            }
        }
    }

    /// <summary>The connection, even if a request has just found that it does not work: then the watch is about to
    /// replace it.</summary>
    private HostClient? Latest
    {
        get
        {
            lock (_gate)
            {
                return _current;
            }
        }
    }

    /// <summary>The connection now.</summary>
    /// <exception cref="HostUnavailableException">There is none.</exception>
    public HostClient Require() => Current ?? throw new HostUnavailableException(
        $"No host can be reached at {_path} now" + (Problem is { } problem ? $": {problem}" : "."));

    /// <summary>Ends the connection, and does not make it again.</summary>
    public void Dispose()
    {
        _isEnding.Set(); // before looking: a connection that is made meanwhile is given up by the watch
        Latest?.Shutdown();
        _watch.Join();
        _isEnding.Dispose();
    }

    /// <summary>Tells a host that a guest is given up: now, or when it is reached again. If it never is, it sees the
    /// process end.</summary>
    public void FreeAtHost(Guid host, long guest)
    {
        while (true)
        {
            var connection = Latest;
            if (TryFree(connection, host, guest))
            {
                return;
            }

            lock (_gate)
            {
                // Whoever replaces this connection looks at the list afterwards.
                if (_current == connection)
                {
                    _toFree.Add((host, guest));
                    return;
                }
            }
        }
    }

    private static bool TryFree(HostClient? connection, Guid host, long guest)
    {
        if (connection is null || connection.Welcome.HostId != host)
        {
            return false;
        }

        try
        {
            connection.Request(MessageKind.Free, new GuestRequest(guest));
            return true;
        }
        catch (RefusedException)
        {
            return true; // it knows no such guest: all the better
        }
        catch (Exception gone) when (gone is IOException or TimeoutException)
        {
            return false;
        }
    }

    /// <summary>Asks a host, and says in one way that there is none.</summary>
    public static T Ask<T>(Func<T> request, string? path = null)
    {
        try
        {
            return request();
        }
        catch (SocketException nobody)
        {
            throw new HostUnavailableException(
                $"No host can be reached at {path}: {nobody.Message}. Start one: pageshare host --socket {path}",
                nobody);
        }
        catch (TimeoutException silent)
        {
            throw new HostUnavailableException($"The host does not answer: {silent.Message}", silent);
        }
        catch (UntrustedMemoryException strange)
        {
            throw new HostUnavailableException(
                $"Who listens there is no host of this version: {strange.Message}", strange);
        }
        catch (IOException gone) when (
            gone is not (RefusedException or ProtocolException or PlatformException or HostUnavailableException))
        {
            throw new HostUnavailableException($"The host has gone away: {gone.Message}", gone);
        }
    }

    /// <summary>The same without a result.</summary>
    public static void Ask(Action request) => Ask(() =>
    {
        request();
        return true;
    });

    /// <summary>The client's thread: waits for the connection to end, and makes it anew.</summary>
    private void Watch()
    {
        var pause = new BackOff(_options.ReconnectMinimumDelay, _options.ReconnectMaximumDelay);
        while ((Latest ?? Reconnect(pause)) is { } connection)
        {
            var problem = "The host has closed the connection.";
            var clock = Stopwatch.StartNew();
            try
            {
                if (!_isEnding.IsSet)
                {
                    ResumeAll(connection);
                    Attend(connection);
                }
            }
            catch (Exception broken)
            {
                // Whatever it is: a program must not end because of its host, and its guests can do without.
                problem = broken.Message;
            }

            // A host that accepts everybody and breaks off each time is one to wait for, too.
            if (clock.Elapsed > _options.ReconnectMaximumDelay)
            {
                pause.Reset();
            }

            SetCurrent(null, problem);
            connection.Dispose(); // whoever waits for an answer on it stops waiting
        }
    }

    private void ResumeAll(HostClient connection)
    {
        (Guid Host, long Guest)[] toFree;
        lock (_gate)
        {
            toFree = [.. _toFree];
            _toFree.Clear(); // those of hosts that are gone are nobody's any more
        }

        foreach (var (host, guest) in toFree)
        {
            if (!TryFree(connection, host, guest) && host == connection.Welcome.HostId)
            {
                FreeAtHost(host, guest);
            }
        }

        foreach (var guest in _guests())
        {
            guest.Resume(connection);
        }
    }

    /// <summary>Returns when the connection has ended.</summary>
    private void Attend(HostClient connection)
    {
        var pause = new BackOff(ShortestCare, LongestCare);
        while (true)
        {
            var needy = _guests().Where(static guest => guest.NeedsCare).ToList();
            if (needy.Count == 0)
            {
                pause.Reset();
            }

            if (connection.WaitForHangUp(needy.Count > 0 ? pause.Next() : LongestCare))
            {
                return;
            }

            foreach (var guest in needy)
            {
                guest.Care(connection);
            }
        }
    }

    /// <summary>Null when the client ends.</summary>
    private HostClient? Reconnect(BackOff pause)
    {
        while (!_isEnding.Wait(pause.Next()))
        {
            try
            {
                var connection = Open(_path, _options);
                SetCurrent(connection, problem: null);
                return connection;
            }
            catch (Exception away) when (away is IOException or SocketException or TimeoutException)
            {
                SetCurrent(null, away.Message);
            }
        }

        return null;
    }

    private static void Examine(PeerCredentials host, string path, GuestClientOptions options)
    {
        var own = OwnProcess.User;
        if (!options.AcceptsHostOf(host.UserId, own))
        {
            throw new HostUnavailableException(
                $"User {host.UserId} listens at {path}, and a host sees all its guests' memory: it must be root's, or of "
                + $"this process's user ({own}). If it is the host that you want, say so: "
                + $"{nameof(GuestClientOptions)}.{nameof(GuestClientOptions.HostUsers)} = [{host.UserId}]. If not, "
                + "somebody has taken the socket's path: keep it in a folder where only the host's user can make files.");
        }
    }

    private void SetCurrent(HostClient? connection, string? problem)
    {
        lock (_gate)
        {
            _current = connection;
            _problem = problem;
        }
    }
}

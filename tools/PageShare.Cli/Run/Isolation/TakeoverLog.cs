using System.Diagnostics;
using System.Net.Sockets;
using PageShare.Host;
using PageShare.Protocol.Messages;

namespace PageShare.Cli.Run.Isolation;

/// <summary>Watches for deaths of a run's host, and measures how the next one takes over.</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class TakeoverLog : IDisposable
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly HostProcess _host;
    private readonly HashSet<string> _names;
    private readonly RunView _view;
    private readonly ManualResetEvent _stop = new(initialState: false);
    private readonly Thread _thread;
    private readonly List<Takeover> _takeovers = []; // guard: itself

    /// <summary>Begins to watch.</summary>
    /// <param name="host">The host.</param>
    /// <param name="names">All guests of the run.</param>
    /// <param name="view">Hears of it.</param>
    public TakeoverLog(HostProcess host, IEnumerable<string> names, RunView view)
    {
        _host = host;
        _names = [.. names];
        _view = view;
        _thread = new Thread(Watch) { Name = "takeovers", IsBackground = true };
        _thread.Start();
    }

    /// <summary>What happened so far.</summary>
    public IReadOnlyList<Takeover> All
    {
        get
        {
            lock (_takeovers)
            {
                return [.. _takeovers];
            }
        }
    }

    /// <summary>If a host has died: waits until all guests are with the next one, but not for ever.</summary>
    public void WaitForGuests()
    {
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed < Patience
            && (_host.Deaths.Count > All.Count || All.Any(takeover => takeover.AttachedSeconds is null)))
        {
            _stop.WaitOne(Poll);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _stop.Set();
        _thread.Join();
        _stop.Dispose();
    }

    private void Watch()
    {
        while (!_stop.WaitOne(Poll))
        {
            IReadOnlyList<HostDeath> deaths = _host.Deaths;
            if (deaths.Count > _takeovers.Count) // only this thread adds
            {
                HostDeath death = deaths[_takeovers.Count];
                lock (_takeovers)
                {
                    _takeovers.Add(new Takeover { FormerPid = death.Id, Pid = death.NextId });
                }

                _view.Note($"the host, process {death.Id}, {death.How}; process {death.NextId} takes over");
                Follow(death);
            }
        }
    }

    /// <summary>Asks the new host again and again how far it is.</summary>
    private void Follow(HostDeath death)
    {
        StatusClient? client = null;
        try
        {
            while (!_stop.WaitOne(Poll) && _host.Id == death.NextId)
            {
                try
                {
                    client ??= StatusClient.Connect(_host.Socket);
                    StatusAnswer status = client.GetStatus();
                    if (Note(status, Stopwatch.GetElapsedTime(death.Timestamp).TotalSeconds))
                    {
                        return;
                    }
                }
                catch (Exception notYet) when (notYet is SocketException or IOException or TimeoutException)
                {
                    client?.Dispose();
                    client = null;
                }
            }
        }
        finally
        {
            client?.Dispose();
        }
    }

    /// <summary>Takes note of what the host says; whether the takeover is complete.</summary>
    private bool Note(StatusAnswer status, double seconds)
    {
        Protocol.Messages.GuestProcess[] ours = [.. status.Processes.Where(process => _names.Contains(process.Name))];
        bool attached = ours.Length == _names.Count && Array.TrueForAll(ours, process => process.State is not "lost");
        long toMove = ours.Sum(process => process.PagesToMove);
        Takeover before;
        Takeover now;
        lock (_takeovers)
        {
            before = _takeovers[^1];
            now = before with
            {
                AnsweredSeconds = before.AnsweredSeconds ?? seconds,
                AttachedSeconds = before.AttachedSeconds ?? (attached ? seconds : null),
                MovedSeconds = attached && toMove == 0 ? seconds : null,
                PagesToMove = toMove,
            };
            _takeovers[^1] = now;
        }

        if (before.AttachedSeconds is null && now.AttachedSeconds is not null)
        {
            _view.Note($"all guests are with the new host after {Quantity.Seconds(seconds)}; "
                + $"{Quantity.Count(toMove)} pages still show the old one's frames");
        }

        if (now.MovedSeconds is not null)
        {
            _view.Note($"the old host's frames are gone after {Quantity.Seconds(seconds)}");
        }

        return now.MovedSeconds is not null;
    }
}

using System.Diagnostics;
using System.Net.Sockets;
using PageShare.Cli.Processes;
using PageShare.Host;
using PageShare.Protocol;

namespace PageShare.Cli.Run.Isolation;

/// <summary>The host of a run: starts it, and a new one on the same socket when it dies.</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class HostProcess : IDisposable
{
    private const int MostDeaths = 20;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    private readonly ChildProgram _program;
    private readonly string _configuration;
    private readonly string _socket;
    private readonly Lock _gate = new();
    private readonly List<HostDeath> _deaths = []; // guard: the gate
    private readonly ManualResetEvent _stopping = new(initialState: false);
    private readonly Thread _keeper;
    private ChildProcess _current; // guard: the gate
    private double _cpuOfDead; // guard: the gate
    private bool _hasAnswered; // guard: the gate

    private HostProcess(ChildProgram program, string configuration, string socket)
    {
        _program = program;
        _configuration = configuration;
        _socket = socket;
        _current = Launch();
        _keeper = new Thread(Keep) { Name = "host keeper", IsBackground = true };
        _keeper.Start();
    }

    /// <summary>Its process now.</summary>
    public int Id
    {
        get
        {
            lock (_gate)
            {
                return _current.Id;
            }
        }
    }

    /// <summary>Each death of a host so far.</summary>
    public IReadOnlyList<HostDeath> Deaths
    {
        get
        {
            lock (_gate)
            {
                return [.. _deaths];
            }
        }
    }

    /// <summary>CPU seconds of all hosts so far.</summary>
    public double CpuSeconds
    {
        get
        {
            lock (_gate)
            {
                return _cpuOfDead + _current.CpuSeconds;
            }
        }
    }

    /// <summary>Starts a host; it listens a moment later.</summary>
    /// <param name="program">This program.</param>
    /// <param name="folder">The run's folder.</param>
    /// <param name="configuration">What the host is told.</param>
    public static HostProcess Start(ChildProgram program, string folder, HostPlan configuration)
    {
        string socket = Path.Combine(folder, "host.sock");
        string file = Path.Combine(folder, "host.json");
        File.WriteAllText(file, configuration.ToJson(socket).ToJsonString());
        return new HostProcess(program, file, socket);
    }

    /// <summary>Where it listens.</summary>
    public string Socket => _socket;

    /// <summary>Connects to it as an operator, as soon as it listens.</summary>
    /// <exception cref="CommandException">It does not come up.</exception>
    /// <exception cref="OperationCanceledException">The caller no longer wants it.</exception>
    public StatusClient Connect(CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                StatusClient client = StatusClient.Connect(_socket);
                lock (_gate)
                {
                    _hasAnswered = true;
                }

                return client;
            }
            catch (Exception notYet) when (notYet is SocketException or IOException or TimeoutException)
            {
                lock (_gate)
                {
                    if (_current.HasExited && !_hasAnswered)
                    {
                        throw CommandException.Failed($"the host {_current.EndWithLastWords}", notYet);
                    }

                    if (clock.Elapsed > Patience)
                    {
                        throw CommandException.Failed(
                            $"the host does not answer at {_socket}: {notYet.Message}\n{_current.Said}", notYet);
                    }
                }
            }

            cancellationToken.WaitHandle.WaitOne(Pause);
        }
    }

    /// <summary>Kills it.</summary>
    public void Kill()
    {
        lock (_gate)
        {
            _ = _current.CpuSeconds; // the last moment to ask
            _current.Kill();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _stopping.Set();
        ChildProcess current;
        lock (_gate)
        {
            current = _current;
        }

        current.AskToEnd();
        _keeper.Join();
        current.Dispose();
        _stopping.Dispose();
    }

    private ChildProcess Launch() => ChildProcess.Start(
    [
        _program.File, .. _program.Before, "host", "--socket", _socket, "--config", _configuration, "--lifeline",
    ]);

    /// <summary>Waits for the host's death, and starts another.</summary>
    private void Keep()
    {
        while (true)
        {
            ChildProcess dead = _current; // only this thread changes it
            dead.WaitForExit(Timeout.InfiniteTimeSpan);
            if (_stopping.WaitOne(0))
            {
                return;
            }

            long at = Stopwatch.GetTimestamp();
            lock (_gate)
            {
                _cpuOfDead += dead.CpuSeconds;
                if (!_hasAnswered || _deaths.Count >= MostDeaths)
                {
                    return; // it can't start at all, and another one couldn't either
                }

                _current = Launch();
                _deaths.Add(new HostDeath(dead.Id, _current.Id, at, dead.End));
            }

            dead.Dispose();
        }
    }
}

/// <summary>A host's death.</summary>
/// <param name="Id">The process that died.</param>
/// <param name="NextId">The one that was started in its place.</param>
/// <param name="Timestamp">When (<see cref="Stopwatch.GetTimestamp"/>).</param>
/// <param name="How">In words.</param>
internal sealed record HostDeath(int Id, int NextId, long Timestamp, string How);

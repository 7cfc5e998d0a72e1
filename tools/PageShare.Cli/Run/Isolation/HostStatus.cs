using PageShare.Cli.Processes;
using PageShare.Host;
using PageShare.Metrics;
using PageShare.Protocol;
using PageShare.Protocol.Messages;

namespace PageShare.Cli.Run.Isolation;

/// <summary>Asks and controls the host of a run, whichever process that is at the moment.</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class HostStatus : IDisposable
{
    // Fine enough beside the shortest pass that a host makes.
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(20);

    private static readonly TimeSpan AgeOfAnswers = TimeSpan.FromMilliseconds(300);

    private readonly HostProcess _host;
    private readonly Lock _gate = new();
    private StatusClient _client; // guard: the gate

    /// <summary>Connects, as soon as the host listens.</summary>
    public HostStatus(HostProcess host, CancellationToken stop)
    {
        _host = host;
        _client = host.Connect(stop);
    }

    /// <summary>All counters.</summary>
    public EngineSnapshot Engine() => Ask(client => client.GetStatus()).Engine;

    /// <summary>Does something to all guests.</summary>
    public void Control(ControlAction action) => Ask(client =>
    {
        client.Control(action, null);
        return true;
    });

    /// <summary>Waits until what the host says is younger than this call: it looks no oftener than every quarter of a
    /// second, however often it is asked.</summary>
    public static void WaitForNews()
    {
        using var never = new ManualResetEvent(initialState: false);
        never.WaitOne(AgeOfAnswers);
    }

    /// <summary>Waits until the host has made a full pass from begin to end, and returns what was merged until
    /// then.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public PassReport WaitForPass(CancellationToken cancellationToken)
    {
        // Two, since one is under way already.
        CounterSet before = Engine().Totals;
        CounterSet now = before;
        while (now.FullScans < before.FullScans + 2)
        {
            cancellationToken.WaitHandle.WaitOne(Poll);
            cancellationToken.ThrowIfCancellationRequested();
            now = Engine().Totals;
        }

        return new PassReport
        {
            Completed = true,
            PagesMerged = now.Merges - before.Merges,
            PagesScanned = now.PagesScanned - before.PagesScanned,
        };
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            _client.Dispose();
        }
    }

    private T Ask<T>(Func<StatusClient, T> question)
    {
        lock (_gate)
        {
            try
            {
                return question(_client);
            }
            catch (Exception gone) when (gone is IOException or TimeoutException && gone is not RefusedException)
            {
                // It died; another one is on its way.
                _client.Dispose();
                _client = _host.Connect(CancellationToken.None);
                return question(_client);
            }
        }
    }
}

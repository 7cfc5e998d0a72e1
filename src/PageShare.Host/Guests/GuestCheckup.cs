namespace PageShare.Host.Guests;

/// <summary>
/// Ends the connections of guests that the engine does not trust any more: they gave answers that no honest agent
/// gives.
/// </summary>
internal sealed class GuestCheckup : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly GuestTable _guests;
    private readonly HostLog _log;
    private readonly HashSet<long> _known = []; // by the timer's thread alone, one tick at a time
    private readonly Timer _timer;

    public GuestCheckup(GuestTable guests, HostLog log)
    {
        _guests = guests;
        _log = log;
        _timer = new Timer(_ => Look(), null, Interval, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Ends it; waits for a look under way.</summary>
    public void Dispose()
    {
        using var ended = new ManualResetEvent(initialState: false);
        if (_timer.Dispose(ended))
        {
            ended.WaitOne();
        }
    }

    private void Look()
    {
        foreach (var guest in _guests.All)
        {
            if (guest.Memory.State == IsolatedState.Distrusted && _known.Add(guest.Id))
            {
                _log.GuestDistrusted(guest.Name, guest.Id, guest.Memory.WhyDistrusted ?? "it does not say why");
                guest.Disconnect();
            }
        }

        try
        {
            _timer.Change(Interval, Timeout.InfiniteTimeSpan);
        }
        catch (ObjectDisposedException)
        {
            // The host is stopping.
        }
    }
}

namespace PageShare.Merge;

/// <summary>
/// Leaves a guest alone that is late again and again, for twice as many passes each time, so that one that was stopped,
/// or plays for time, costs the others next to nothing.
/// </summary>
/// <remarks>Guard: the engine's lock.</remarks>
internal sealed class LateBackOff
{
    // With passes of 20 s such a guest is asked again every 20 minutes.
    private const int MostPasses = 64;

    // An agent that is well takes a few microseconds a page, and each order the time to wake up; on a busy machine
    // several times that. Who needs more in a pass plays for time, just below what is late.
    private static readonly TimeSpan MostWaitInPass = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan MostWaitPerPage = TimeSpan.FromMicroseconds(20);

    private TimeSpan _waitLeft = MostWaitInPass;
    private int _passes;
    private int _lateInPass;
    private long _pass = -1; // no pass has gone over it
    private long _nextPass;

    /// <summary>Whether the guest is left alone now.</summary>
    public bool IsActive { get; private set; }

    /// <summary>A pass begins to go over the guest.</summary>
    /// <param name="passNumber">Number of the pass.</param>
    /// <param name="pages">Pages of the guest.</param>
    public void BeginPass(long passNumber, long pages)
    {
        if (passNumber == _pass)
        {
            return;
        }

        _pass = passNumber;
        _waitLeft = MostWaitInPass + (pages * MostWaitPerPage);
        if (IsActive)
        {
            IsActive = passNumber < _nextPass;
        }
        else if (_lateInPass == 0)
        {
            _passes = 0; // a whole pass without
        }

        _lateInPass = 0;
    }

    /// <summary>An order was not answered in time.</summary>
    public void CountLate() => _lateInPass++;

    /// <summary>Somebody has waited for the guest, late or not.</summary>
    public void CountWait(TimeSpan waited)
    {
        _waitLeft -= waited;
        if (_waitLeft < TimeSpan.Zero)
        {
            Begin();
        }
    }

    /// <summary>The guest was waited for in vain.</summary>
    public void Begin()
    {
        if (!IsActive)
        {
            IsActive = true;
            _passes = Math.Min(Math.Max(1, 2 * _passes), MostPasses);
            _nextPass = _pass + 1 + _passes;
        }
    }

    /// <summary>All is forgiven: the guest has a new agent.</summary>
    public void End()
    {
        IsActive = false;
        _passes = _lateInPass = 0;
    }
}

namespace PageShare.TestKit.Rings;

/// <summary>Both ends of a guest that its engine knows by its ring.</summary>
internal sealed class RingPair : IDisposable
{
    public RingPair(IsolatedGuest host, RingGuest guest, OracleGuest? oracle = null)
    {
        Host = host;
        Guest = guest;
        Guest.Grown = Host.Grow;
        Guest.Handle.Released = Host.Dispose; // when the last pin has ended
        Oracle = oracle ?? new OracleGuest(guest);
    }

    /// <summary>The host's end.</summary>
    public IsolatedGuest Host { get; }

    /// <summary>The guest's.</summary>
    public RingGuest Guest { get; }

    /// <summary>What the guest's bytes must be.</summary>
    public OracleGuest Oracle { get; }

    /// <summary>Starts the agent and tells the host.</summary>
    public void Attach()
    {
        Guest.StartAgent();
        Host.Attach();
    }

    /// <summary>The guest goes, and the host hears of it; of a guest that is pinned later.</summary>
    public void Dispose()
    {
        Host.Detach();
        Guest.Dispose();
    }
}

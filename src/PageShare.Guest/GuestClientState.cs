namespace PageShare;

/// <summary>How a client stands with its host.</summary>
public enum GuestClientState
{
    /// <summary>Connected.</summary>
    Connected,

    /// <summary>
    /// The host has gone away, and the client tries to reach one on the same socket. Guests keep all their memory and
    /// run on; what is shared stays shared until it is written.
    /// </summary>
    Reconnecting,

    /// <summary>Disposed.</summary>
    Disposed,
}

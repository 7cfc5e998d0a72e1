namespace PageShare;

/// <summary>
/// What was asked needs the host, and none can be reached now. It may work later: a client reconnects by itself.
/// </summary>
public sealed class HostUnavailableException : IOException
{
    internal HostUnavailableException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}

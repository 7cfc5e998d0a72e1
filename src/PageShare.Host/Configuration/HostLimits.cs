namespace PageShare.Host.Configuration;

/// <summary>What clients may take of the host itself, so that a flood is at the cost of who sends it.</summary>
public sealed record HostLimits
{
    /// <summary>
    /// Most connections in all. Default 1,024: each takes a thread that sleeps and some 30 KiB.
    /// </summary>
    public int Connections { get; init; } = 1024;

    /// <summary>Most connections of one user. Default 256: a guest process needs one.</summary>
    public int ConnectionsPerUser { get; init; } = 256;

    /// <summary>
    /// Requests per second that a user is served; more are answered later, by not reading them. A connection has one
    /// request under way, and the socket's buffer holds the others. Default 1,000.
    /// </summary>
    public int RequestsPerSecond { get; init; } = 1000;

    /// <summary>
    /// How long a new connection may say nothing. Default 30 s: a program that has just started may need more than 5 s
    /// for its first frame on a busy machine.
    /// </summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long the rest of a frame may take, in either direction, once it has begun. Default 5 s.</summary>
    public TimeSpan FrameTimeout { get; init; } = TimeSpan.FromSeconds(5);
}

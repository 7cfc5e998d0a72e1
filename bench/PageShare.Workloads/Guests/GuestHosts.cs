namespace PageShare.Workloads.Guests;

/// <summary>Chooses who makes the guests: the one place that knows which kinds there are.</summary>
internal static class GuestHosts
{
    /// <summary>Starts a host whose scanner rests until it is asked.</summary>
    public static IGuestHost Start(EngineOptions options) => InProcessHost.Start(options);
}

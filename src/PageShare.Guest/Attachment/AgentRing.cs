using PageShare.Platform;

namespace PageShare.Attachment;

/// <summary>
/// The ring by which a host sends orders for one region, and the native agent that carries them out.
/// </summary>
/// <remarks>Guard: the guest's lock. Not left to finalizers: an agent must be stopped before its ring is
/// unmapped.</remarks>
internal sealed unsafe class AgentRing : IDisposable
{
    private readonly MappedMemory _view;
    private nint _agent;

    /// <summary>Maps a ring. The descriptor may be closed afterwards.</summary>
    /// <exception cref="PlatformException">Out of address space.</exception>
    public AgentRing(IPlatform platform, MemoryObject memory, long bytes) =>
        _view = platform.Map(memory, bytes, writable: true);

    /// <summary>Whether the agent was started and not stopped; it may have ended by itself.</summary>
    public bool IsRunning => _agent != 0;

    /// <summary>Starts the agent, if it is not running.</summary>
    /// <exception cref="PlatformException">The ring is not for this region, or no thread is to be had.</exception>
    public void Start(RegionHandle region)
    {
        if (_agent != 0)
        {
            return;
        }

        // SAFETY: the view is mapped until Dispose, which stops the agent first.
        int error;
        var agent = RingNative.StartAgent(region, _view.Address, (ulong)_view.Length, &error);
        Shim.Require(agent == 0 ? error : 0, "starting", "the agent on the host's ring");
        _agent = agent;
    }

    /// <summary>Lets the agent finish what it is doing, and ends it. Orders that it has not begun stay
    /// unanswered.</summary>
    public void Stop()
    {
        if (_agent != 0)
        {
            // The result says whether the agent had given up before because of an impossible ring: then it is as well.
            _ = RingNative.StopAgent(_agent);
            _agent = 0;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Stop();
        _view.Dispose();
    }
}

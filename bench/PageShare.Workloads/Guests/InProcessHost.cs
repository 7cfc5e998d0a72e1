using PageShare.Metrics;

namespace PageShare.Workloads.Guests;

/// <summary>An engine in this process, and guests in its memory.</summary>
internal sealed class InProcessHost : IGuestHost
{
    private readonly PageShareEngine _engine;

    private InProcessHost(PageShareEngine engine) => _engine = engine;

    /// <inheritdoc/>
    public string Kind => "in process";

    /// <summary>Starts an engine whose scanner rests until it is asked.</summary>
    public static InProcessHost Start(EngineOptions options)
    {
        var engine = PageShareEngine.Start(options);
        engine.Pause();
        return new InProcessHost(engine);
    }

    /// <inheritdoc/>
    public MappedGuest Create(string name, long bytes, FaultMode mode) => _engine.CreateGuest(
        name, bytes, new GuestOptions { FaultMode = mode, MaximumBytes = bytes });

    /// <inheritdoc/>
    public EngineSnapshot Snapshot() => _engine.Snapshot();

    /// <inheritdoc/>
    public PassReport ScanOnce(CancellationToken stop) => _engine.ScanOnce(stop);

    /// <inheritdoc/>
    public void Resume() => _engine.Resume();

    /// <inheritdoc/>
    public void Pause() => _engine.Pause();

    /// <inheritdoc/>
    public void Dispose() => _engine.Dispose();
}

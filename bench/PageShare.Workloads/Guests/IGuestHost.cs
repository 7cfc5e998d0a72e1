using PageShare.Metrics;

namespace PageShare.Workloads.Guests;

/// <summary>
/// Whoever makes guests and shares their pages: the workloads know no more of it than this, so that they can be run on
/// guests of another kind.
/// </summary>
/// <remarks>Thread-safe.</remarks>
internal interface IGuestHost : IDisposable
{
    /// <summary>What the guests are, as reports name it.</summary>
    string Kind { get; }

    /// <summary>Makes an empty guest whose memory this process can write.</summary>
    MappedGuest Create(string name, long bytes, FaultMode mode);

    /// <summary>All counters now.</summary>
    EngineSnapshot Snapshot();

    /// <summary>A full pass now; it returns when the pass is over, or was cancelled.</summary>
    PassReport ScanOnce(CancellationToken stop);

    /// <summary>Has the scanner in the background go on, by the pace that its options set.</summary>
    void Resume();

    /// <summary>Has it rest.</summary>
    void Pause();
}

namespace PageShare.Cli.Tune.Simulation;

/// <summary>
/// Guests whose pages are stored to and scanned in turn: simulated ones, or real ones in a real engine.
/// </summary>
internal interface IScannedGuests
{
    /// <summary>Pages that a full pass goes over.</summary>
    long Pages { get; }

    /// <summary>Pages that passes have found changed, shared, freed or broken so far.</summary>
    long Changes { get; }

    /// <summary>Mappings that they take, as last counted.</summary>
    long Mappings { get; }

    /// <summary>A guest stores to a page.</summary>
    void Store(in PageStore store);

    /// <summary>Scans one stretch more of the pass under way; begins a pass if there is none.</summary>
    /// <param name="mostPages">Most pages of it.</param>
    /// <param name="pages">Pages gone over.</param>
    /// <param name="cpuNanoseconds">CPU time that it took.</param>
    /// <returns>False when the pass is over.</returns>
    bool Step(int mostPages, out int pages, out long cpuNanoseconds);

    /// <summary>What there is now.</summary>
    GuestFigures Look();
}

/// <summary>What some guests save and cost at one moment.</summary>
internal readonly record struct GuestFigures
{
    /// <summary>Pages with content, in memory or not.</summary>
    public required long PopulatedPages { get; init; }

    /// <summary>Pages of these that need no memory.</summary>
    public required long SavedPages { get; init; }

    /// <summary>Pages that the best sharing would save.</summary>
    public required long BestPages { get; init; }

    /// <summary>Memory of tables, the engine's and the kernel's.</summary>
    public required long MetadataBytes { get; init; }

    /// <summary>Pages that ceased to share at stores to shared pages so far.</summary>
    public required long Breaks { get; init; }

    /// <summary>CPU time that breaks and tracking have cost the guests so far.</summary>
    public required double GuestNanoseconds { get; init; }

    /// <summary>Mappings in use.</summary>
    public required long Mappings { get; init; }

    /// <summary>Bytes saved, less the tables.</summary>
    public long NetBytes => (SavedPages * Quantity.PageBytes) - MetadataBytes;
}

namespace PageShare.Cli.Tune.Simulation;

/// <summary>
/// What the scanner and breaks cost on this machine in one fault mode, in nanoseconds of CPU time a page.
/// </summary>
internal sealed record Costs
{
    /// <summary>Going past a page of a stretch in which nothing happened.</summary>
    public required double PassOver { get; init; }

    /// <summary>Looking at a page whose hash is known, in a stretch where nothing is shared.</summary>
    public required double Look { get; init; }

    /// <summary>The same in a stretch where something is.</summary>
    public required double LookAmongShared { get; init; }

    /// <summary>Each turn of scanning at which something is looked at, however few pages that are.</summary>
    public required double Turn { get; init; }

    /// <summary>Hashing a page for the first time, which maps it too, and entering it in the index.</summary>
    public required double FirstHash { get; init; }

    /// <summary>Hashing a page again after a store.</summary>
    public required double Rehash { get; init; }

    /// <summary>Copying a page into a new frame.</summary>
    public required double Fill { get; init; }

    /// <summary>Merging a page with a frame: sealing, comparing, remapping, freeing.</summary>
    public required double Merge { get; init; }

    /// <summary>What each run of pages that one mapping shows adds to that.</summary>
    public required double MergeRun { get; init; }

    /// <summary>Freeing a zero page.</summary>
    public required double Zero { get; init; }

    /// <summary>What each run of zero pages adds to that.</summary>
    public required double ZeroRun { get; init; }

    /// <summary>A store to a shared page, which the guest pays.</summary>
    public required double Break { get; init; }

    /// <summary>Bringing home a copy that the kernel made, in mode Kernel.</summary>
    public required double Settle { get; init; }

    /// <summary>
    /// A first store to a page after each pass, which the guest pays where written pages are tracked.
    /// </summary>
    public required double TrackedStore { get; init; }
}

/// <summary>The costs in both modes.</summary>
/// <param name="Signal">In mode Signal.</param>
/// <param name="Kernel">In mode Kernel.</param>
/// <param name="Wake">Each time that the scanner's thread wakes up, whatever it then does.</param>
/// <param name="Pass">Each pass, however little there is to do in it.</param>
internal sealed record MachineCosts(Costs Signal, Costs Kernel, double Wake, double Pass)
{
    /// <summary>The costs in a mode.</summary>
    public Costs Of(FaultMode mode) => mode == FaultMode.Kernel ? Kernel : Signal;
}

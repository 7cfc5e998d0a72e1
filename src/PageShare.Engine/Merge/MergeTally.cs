namespace PageShare.Merge;

/// <summary>What scanning did: to one guest, or in one pass. Guard: the engine's lock.</summary>
internal sealed class MergeTally
{
    /// <summary>Pages gone over, whatever was done with them.</summary>
    public long PagesScanned { get; set; }

    /// <summary>Pages whose content was looked at: hashed, or found zero.</summary>
    public long PagesHashed { get; set; }

    /// <summary>Of these, pages whose content was not what it was at the last look, or had none.</summary>
    public long PagesChanged { get; set; }

    /// <summary>What happened to pages: changed, shared, freed or broken.</summary>
    public long Changes => PagesChanged + Merges + ZeroPagesFreed + Broken;

    /// <summary>Pages that came to share a frame.</summary>
    public long Merges { get; set; }

    /// <summary>Pages that became holes.</summary>
    public long ZeroPagesFreed { get; set; }

    /// <summary>Merges that were tried and came to nothing: the page was busy, differed, or found no mapping.</summary>
    public long Abandoned { get; set; }

    /// <summary>Of these, pages that have the frame's hash and another content.</summary>
    public long HashCollisions { get; set; }

    /// <summary>Shared pages that were found private.</summary>
    public long Broken { get; set; }

    /// <summary>Kernel mode: stores that broke sharing, counted afterwards.</summary>
    public long KernelBreaks { get; set; }

    /// <summary>Orders to the guest whose answer did not come in time. Of a guest alone.</summary>
    public long OrdersLate { get; set; }

    /// <summary>Pages moved from a former host's store.</summary>
    public long Moved { get; set; }

    /// <summary>Frames given back.</summary>
    public long FramesFreed { get; set; }

    /// <summary>Thread CPU time, native code included; nanoseconds.</summary>
    public long CpuNanoseconds { get; set; }

    /// <summary>Adds another tally to this one.</summary>
    public void Add(MergeTally other)
    {
        PagesScanned += other.PagesScanned;
        PagesHashed += other.PagesHashed;
        PagesChanged += other.PagesChanged;
        Merges += other.Merges;
        ZeroPagesFreed += other.ZeroPagesFreed;
        Abandoned += other.Abandoned;
        HashCollisions += other.HashCollisions;
        Broken += other.Broken;
        KernelBreaks += other.KernelBreaks;
        Moved += other.Moved;
        FramesFreed += other.FramesFreed;
        CpuNanoseconds += other.CpuNanoseconds;
    }

    /// <summary>What a pass says of itself.</summary>
    /// <param name="isComplete">Whether it came to its end.</param>
    /// <param name="elapsed">How long it took.</param>
    public PassReport ToReport(bool isComplete, TimeSpan elapsed) => new()
    {
        PagesScanned = PagesScanned,
        PagesHashed = PagesHashed,
        PagesMerged = Merges + ZeroPagesFreed,
        ZeroPagesFreed = ZeroPagesFreed,
        MergesAbandoned = Abandoned,
        HashCollisions = HashCollisions,
        PagesBroken = Broken,
        FramesFreed = FramesFreed,
        Completed = isComplete,
        Elapsed = elapsed,
        CpuTime = TimeSpan.FromTicks(CpuNanoseconds / TimeSpan.NanosecondsPerTick),
    };

    /// <summary>All zero again.</summary>
    public void Clear()
    {
        PagesScanned = PagesHashed = PagesChanged = Merges = ZeroPagesFreed = Abandoned = 0;
        Moved = 0;
        HashCollisions = Broken = KernelBreaks = FramesFreed = CpuNanoseconds = 0;
    }
}

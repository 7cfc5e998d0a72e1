namespace PageShare;

/// <summary>What one full pass of the scanner over all guests did. Plain data; immutable.</summary>
public sealed record PassReport
{
    /// <summary>Pages that the pass went over, those skipped as unwritten or absent included.</summary>
    public long PagesScanned { get; init; }

    /// <summary>Pages whose content was hashed.</summary>
    public long PagesHashed { get; init; }

    /// <summary>Pages that share a frame since this pass, or became a hole because they were zero.</summary>
    public long PagesMerged { get; init; }

    /// <summary>Of <see cref="PagesMerged"/>, zero pages whose backing was given back.</summary>
    public long ZeroPagesFreed { get; init; }

    /// <summary>
    /// Pages sealed and compared but not merged: written meanwhile, pinned, or without a mapping to be had.
    /// </summary>
    public long MergesAbandoned { get; init; }

    /// <summary>Pages that differed under seal although their hash was equal and nobody had written them.</summary>
    public long HashCollisions { get; init; }

    /// <summary>Pages that shared a frame at the pass before and were seen with their own copy by this one.</summary>
    public long PagesBroken { get; init; }

    /// <summary>Frames that no page maps any more and that were given back.</summary>
    public long FramesFreed { get; init; }

    /// <summary>False if the pass was cancelled, or ended before it had seen every guest.</summary>
    public bool Completed { get; init; }

    /// <summary>From the start of the pass to its end, waiting included.</summary>
    public TimeSpan Elapsed { get; init; }

    /// <summary>CPU time of the scanning thread during the pass, native code included.</summary>
    public TimeSpan CpuTime { get; init; }
}

using PageShare.Metrics;
using PageShare.Platform;

namespace PageShare.Merge;

/// <summary>
/// What the fault handler of a region's process counts, read so that no guest can spoil a sum: never less than the last
/// time, and never more than adds up.
/// </summary>
/// <remarks>Guard: the engine's lock. The handler adds at any time, a guest in another process may write
/// anything.</remarks>
internal sealed unsafe class ShimCounts
{
    // 2^48 faults of a microsecond are nine years; 2^15 such guests do not overflow a long.
    private const ulong Most = 1UL << 48;
    private const ulong MostPerBucket = Most / (2 * LatencyHistogram.BucketCount);

    private readonly ShimCounters* _counters;
    private readonly ulong[]? _cowFaultNanoseconds;
    private readonly ulong[]? _sealWaitNanoseconds;
    private long _cowFaults;
    private long _sealWaits;
    private long _pagesBrokenAhead;
    private long _breaksStalled;

    // SAFETY: the counters lie in the page table's memory, which the region holds as long as this. Each word is read
    // once and whole.

    /// <param name="counters">Where they are.</param>
    /// <param name="isTrusted">Whether this process alone writes them: then they are taken as they are.</param>
    public ShimCounts(ShimCounters* counters, bool isTrusted)
    {
        _counters = counters;
        if (!isTrusted)
        {
            _cowFaultNanoseconds = new ulong[LatencyHistogram.NativeWordCount];
            _sealWaitNanoseconds = new ulong[LatencyHistogram.NativeWordCount];
        }
    }

    /// <summary>Stores that broke sharing.</summary>
    public long CowFaults => Advance(ref _cowFaults, Volatile.Read(ref _counters->CowFaults));

    /// <summary>Stores that waited for a seal.</summary>
    public long SealWaits => Advance(ref _sealWaits, Volatile.Read(ref _counters->SealWaits));

    /// <summary>Pages that these stores broke beside their own.</summary>
    public long PagesBrokenAhead => Advance(ref _pagesBrokenAhead, Volatile.Read(ref _counters->PagesBrokenAhead));

    /// <summary>Breaks that waited for memory or mappings.</summary>
    public long BreaksStalled => Advance(ref _breaksStalled, Volatile.Read(ref _counters->BreaksStalled));

    /// <summary>Latencies of breaks: a native histogram.</summary>
    public ReadOnlySpan<ulong> CowFaultNanoseconds => Advance(_cowFaultNanoseconds, _counters->CowFaultNanoseconds);

    /// <summary>Latencies of waits for a seal: a native histogram.</summary>
    public ReadOnlySpan<ulong> SealWaitNanoseconds => Advance(_sealWaitNanoseconds, _counters->SealWaitNanoseconds);

    private static long Advance(ref long known, ulong now)
    {
        known = Math.Max(known, (long)Math.Min(now, Most));
        return known;
    }

    private static ReadOnlySpan<ulong> Advance(ulong[]? known, ReadOnlySpan<ulong> now)
    {
        if (known is null)
        {
            return now;
        }

        for (var bucket = 0; bucket < LatencyHistogram.BucketCount; bucket++)
        {
            known[bucket] = Math.Max(known[bucket], Math.Min(Volatile.Read(in now[bucket]), MostPerBucket));
        }

        var maximum = Volatile.Read(in now[LatencyHistogram.BucketCount]);
        known[^1] = Math.Max(known[^1], Math.Min(maximum, long.MaxValue));
        return known;
    }
}

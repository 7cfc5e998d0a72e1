using System.Numerics;

namespace PageShare.Metrics;

/// <summary>
/// A managed copy of the latencies that native code counts, to merge guests' histograms and to take percentiles.
/// </summary>
/// <remarks>
/// The buckets are those of <c>ps_histogram</c> in pageshare.h: below 8 ns one bucket a nanosecond, above that every
/// power of two is cut into 8. Percentiles of several guests cannot be computed from theirs, but their buckets add up.
/// Not thread-safe; the native words it reads may be counted up meanwhile.
/// </remarks>
internal sealed class LatencyHistogram
{
    /// <summary>Number of buckets, <c>PS_HISTOGRAM_BUCKETS</c>. The last one takes everything beyond it.</summary>
    public const int BucketCount = 320;

    /// <summary>64-bit words of a native histogram: the buckets, then the maximum.</summary>
    public const int NativeWordCount = BucketCount + 1;

    private const int SubBucketBits = 3;
    private const int SubBuckets = 1 << SubBucketBits;

    private readonly ulong[] _counts = new ulong[BucketCount];

    /// <summary>Number of latencies counted.</summary>
    public ulong Count { get; private set; }

    /// <summary>The largest latency in nanoseconds, exactly.</summary>
    public ulong MaximumNanoseconds { get; private set; }

    /// <summary>The bucket that a latency falls into.</summary>
    public static int BucketOf(ulong nanoseconds)
    {
        if (nanoseconds < SubBuckets)
        {
            return (int)nanoseconds;
        }

        var exponent = BitOperations.Log2(nanoseconds);
        var sub = (int)(nanoseconds >> (exponent - SubBucketBits)) & (SubBuckets - 1);
        return Math.Min((SubBuckets * (exponent - SubBucketBits + 1)) + sub, BucketCount - 1);
    }

    /// <summary>The largest latency that falls into a bucket; for the last bucket, the largest of all.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such bucket.</exception>
    public static ulong UpperBoundOf(int bucket)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bucket);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(bucket, BucketCount);
        if (bucket == BucketCount - 1)
        {
            return ulong.MaxValue;
        }

        if (bucket < SubBuckets)
        {
            return (ulong)bucket;
        }

        // The inverse of BucketOf for the next bucket, less one: (8 + sub) parts of a power of two cut into 8.
        var next = bucket + 1;
        var shift = (next / SubBuckets) - 1;
        return ((ulong)(SubBuckets + (next % SubBuckets)) << shift) - 1;
    }

    /// <summary>Adds one latency, for measurements made in managed code.</summary>
    public void Record(ulong nanoseconds)
    {
        _counts[BucketOf(nanoseconds)]++;
        Count++;
        MaximumNanoseconds = Math.Max(MaximumNanoseconds, nanoseconds);
    }

    /// <summary>Adds a native histogram's present contents.</summary>
    /// <param name="words">A <c>ps_histogram</c>: <see cref="NativeWordCount"/> words.</param>
    /// <exception cref="ArgumentException">The span has another length.</exception>
    public void Add(ReadOnlySpan<ulong> words)
    {
        if (words.Length != NativeWordCount)
        {
            throw new ArgumentException(
                $"A native histogram has {NativeWordCount} words, not {words.Length}.", nameof(words));
        }

        // Each word is read once and whole, pairing with the handler's relaxed atomics. It may count between two reads;
        // the total is summed from what was read here, so bucket and total always agree. The maximum may lag behind its
        // bucket for the moment that the handler takes between the two.
        for (var bucket = 0; bucket < BucketCount; bucket++)
        {
            var count = Volatile.Read(in words[bucket]);
            _counts[bucket] += count;
            Count += count;
        }

        MaximumNanoseconds = Math.Max(MaximumNanoseconds, Volatile.Read(in words[BucketCount]));
    }

    /// <summary>Adds another histogram's latencies, for instance another guest's.</summary>
    public void Add(LatencyHistogram other)
    {
        for (var bucket = 0; bucket < BucketCount; bucket++)
        {
            _counts[bucket] += other._counts[bucket];
        }

        Count += other.Count;
        MaximumNanoseconds = Math.Max(MaximumNanoseconds, other.MaximumNanoseconds);
    }

    /// <summary>
    /// The latency in nanoseconds that this share of all did not exceed (nearest rank), rounded up to its bucket's
    /// upper bound but not beyond the maximum. 0 if nothing was counted.
    /// </summary>
    /// <param name="percent">Above 0, at most 100.</param>
    /// <exception cref="ArgumentOutOfRangeException">The percentage is not in that range.</exception>
    public ulong Percentile(double percent)
    {
        if (!(percent > 0 && percent <= 100))
        {
            throw new ArgumentOutOfRangeException(nameof(percent), percent, "A percentile is above 0 and at most 100.");
        }

        if (Count == 0)
        {
            return 0;
        }

        var rank = Math.Max(1, Math.Ceiling(percent / 100 * Count));
        ulong seen = 0;
        for (var bucket = 0; bucket < BucketCount; bucket++)
        {
            seen += _counts[bucket];
            if (seen >= rank)
            {
                return Math.Min(UpperBoundOf(bucket), MaximumNanoseconds);
            }
        }

        return MaximumNanoseconds;
    }

    /// <summary>The figures that snapshots show.</summary>
    public LatencySummary Summarize() =>
        new((long)Percentile(50), (long)Percentile(99), (long)Math.Min(MaximumNanoseconds, long.MaxValue));
}

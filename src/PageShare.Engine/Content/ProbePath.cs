namespace PageShare.Content;

/// <summary>The buckets of a <see cref="ContentIndex"/> that a search for one hash visits, in order.</summary>
/// <param name="hash">The hash. Its high bits decide; the low ones are the tag.</param>
/// <param name="buckets">How many buckets there are: a prime.</param>
internal struct ProbePath(uint hash, long buckets)
{
    // From each to the next. It must not be the same for all hashes of a bucket, hence the multiplication, which makes
    // other bits the high ones. It is below the number of buckets, a prime, so no path comes back to where it was.
    private readonly long _step = Math.Max(1, HomeOf(unchecked(hash * 0x9E37_79B1), buckets));

    /// <summary>Index of the bucket that the search has come to.</summary>
    public long Index { get; private set; } = HomeOf(hash, buckets);

    /// <summary>Buckets before it.</summary>
    public int Probes { get; private set; }

    /// <summary>Whether the search may look at it.</summary>
    public readonly bool IsInside => Probes < ContentIndex.MaximumProbes;

    /// <summary>Where the search begins: the hash scaled to the number of buckets.</summary>
    public static long HomeOf(uint hash, long buckets) => (long)(((ulong)hash * (ulong)buckets) >> 32);

    /// <summary>How many buckets a table should have that needs so many: the lowest prime that is not less.</summary>
    public static long BucketsFor(long least)
    {
        // Trial division costs nothing beside filling the table.
        for (var number = least | 1; ; number += 2)
        {
            var divisor = 3L;
            while (divisor * divisor <= number && number % divisor != 0)
            {
                divisor += 2;
            }

            if (divisor * divisor > number)
            {
                return number;
            }
        }
    }

    /// <summary>Whether a search for this hash can come to that bucket.</summary>
    public static bool CanReach(uint hash, long index, long buckets)
    {
        var path = new ProbePath(hash, buckets);
        while (path.IsInside && path.Index != index)
        {
            path.MoveNext();
        }

        return path.IsInside;
    }

    /// <summary>Goes on to the next.</summary>
    public void MoveNext()
    {
        Probes++;
        Index += _step;
        Index = Index < buckets ? Index : Index - buckets;
    }
}

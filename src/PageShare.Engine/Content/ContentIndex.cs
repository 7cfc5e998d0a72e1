using System.Numerics;
using PageShare.Memory;
using PageShare.Platform;

namespace PageShare.Content;

/// <summary>Finds, for a page's hash, a frame or another page that probably has the same content.</summary>
/// <remarks>
/// <para>There is an entry for nearly every page of unique memory, so its size decides what deduplication costs: a tree
/// node or a managed object would take 40 to 64 bytes. Here it is 6.4 bytes of a cache line, which holds ten, because
/// hashes are not stored: 16 bits of tag pick the candidates and <see cref="IContentSource"/> says what their hash is
/// now. That also makes stale entries harmless. A page that is shared or freed leaves its entry behind, and whoever meets
/// it drops it.</para>
/// <para>The first bucket is the hash scaled to the number of buckets (Lemire's fastrange), so that number need not be
/// a power of two: while contents come in for the first time the table is made for as many as there are, and later it
/// grows by about a fifth, not by doubling. A full bucket is marked, and its entries go on
/// to others, a step apart that depends on the hash too (double hashing; as F14 does it, whose marks these are). A
/// search ends at the first bucket without a mark. Going on to the next neighbour was tried: whole stretches fill up,
/// and of 400,000 entries 2,700 found sixteen buckets in a row full. Removing an entry can't tell whether a mark is
/// still needed by others, so marks stay until the next sweep sets them anew; when too many may be out of date, that is
/// due.</para>
/// <para>Bounds. Memory: at most <see cref="MaximumBytesPerEntry"/> for each entry that was live when the table last
/// grew, or 7.5 for each content that there could be if that is more, plus the smallest table; for the moment of
/// growing the old table exists as well. It shrinks when asked to. Time: a
/// search looks at no more than <see cref="MaximumProbes"/> cache lines, at 1.1 to 2 on average as the table fills.
/// Pages made to collide get that far, and then push each other's hints out.</para>
/// <para>Losing an entry loses a chance to share and nothing else. Not thread-safe: guarded by the engine's
/// lock.</para>
/// </remarks>
internal sealed class ContentIndex : IDisposable
{
    /// <summary>
    /// Most bytes an entry: 64 / (10 × 0.72) = 8.9 when the table has just grown; the rest is for the prime.
    /// </summary>
    public const int MaximumBytesPerEntry = 9;

    /// <summary>
    /// Most buckets that a search looks at. At the highest load 56 % of the buckets are full, so a hash finds all of
    /// its buckets full once in 10^8 insertions.
    /// </summary>
    public const int MaximumProbes = 32;

    private const int MinimumBuckets = 61;
    private const double MaximumLoad = 0.88;
    private const double LoadAfterGrowth = 0.72;

    // A sweep that leaves more than this would be due again too soon: nine entries are looked at for each one that it
    // makes room for.
    private const double LoadWorthGrowing = 0.78;

    // With an entry for every content that there is: as full as can be without a sweep for each handful that changes.
    private const double LoadWhenComplete = 0.86;

    private const double LoadWorthTrimming = 0.65;
    private const double LoadAfterTrimming = 0.8;
    private const long LeastWorthTrimming = 64 * 1024;

    // Of the contents that are still to come many may be equal to others, and need no entry.
    private const double MostGrowth = 4;

    private readonly IContentSource _source;

    // Replaced when the table grows. Its length is a prime.
    private NativeArray<ContentBucket> _buckets;

    // Displaced entries gone since the last sweep: at most so many paths have marks that no entry needs.
    private long _outdatedMarks;

    /// <summary>Creates an empty index.</summary>
    /// <param name="source">Says what references hash to now.</param>
    public ContentIndex(IContentSource source)
    {
        _source = source;
        _buckets = NativeArray<ContentBucket>.Allocate(MinimumBuckets, ContentBucket.SizeInBytes);
    }

    /// <summary>Entries, stale ones included.</summary>
    public long Count { get; private set; }

    /// <summary>Bytes of the table.</summary>
    public long Bytes => _buckets.Bytes;

    /// <summary>Entries lost because all buckets that a hash may use were full: pages made to collide.</summary>
    public long Evictions { get; private set; }

    private long Places => _buckets.Length * ContentBucket.Places;

    /// <summary>
    /// Finds the first live entry with this hash, and drops stale ones on the way. What it finds may still have another
    /// content: only a comparison under seal tells.
    /// </summary>
    public bool TryFind(uint hash, out ContentRef found)
    {
        var tag = TagOf(hash);
        for (var path = PathOf(hash); path.IsInside; path.MoveNext())
        {
            ref var bucket = ref _buckets[path.Index];

            // From the highest place down, so that dropping one moves only entries that were looked at.
            for (var places = bucket.PlacesWith(tag); places != 0;)
            {
                var place = BitOperations.Log2(places);
                places ^= 1u << place;
                found = bucket.ReferenceAt(place);
                var isLive = _source.TryGetHash(found, out var current);
                if (isLive && current == hash)
                {
                    return true;
                }

                // An entry for another hash with the same tag is none of our business while it is where that hash
                // belongs.
                if (!isLive || !IsReachable(current, tag, path.Index))
                {
                    RemoveAt(ref bucket, place);
                }
            }

            if (!bucket.HasOverflowed)
            {
                break;
            }
        }

        found = default;
        return false;
    }

    /// <summary>
    /// Adds an entry; does nothing when it exists. Entries of other references with the same hash stay, since contents
    /// may collide. The source must already give this hash for the reference, or the entry counts as stale.
    /// </summary>
    /// <exception cref="OutOfMemoryException">The table had to grow and could not; the index is unchanged.</exception>
    public void Insert(uint hash, ContentRef reference)
    {
        if (!TryLocate(hash, reference, out _, out _))
        {
            InsertNew(hash, reference);
        }
    }

    /// <summary>The same for an entry that does not exist: <see cref="TryFind"/> has just not found it.</summary>
    /// <exception cref="OutOfMemoryException">As above.</exception>
    public void InsertNew(uint hash, ContentRef reference)
    {
        if (Count >= (long)(Places * MaximumLoad) || _outdatedMarks > Places / 16)
        {
            MakeRoom();
        }

        Add(hash, reference);
    }

    /// <summary>
    /// Makes the entry of <paramref name="old"/> name <paramref name="new"/>. False when there is none.
    /// </summary>
    public bool Replace(uint hash, ContentRef old, ContentRef @new)
    {
        if (!TryLocate(hash, old, out var index, out var place))
        {
            return false;
        }

        ref var bucket = ref _buckets[index];
        bucket.Set(place, TagOf(hash), @new, bucket.IsDisplaced(place));
        return true;
    }

    /// <summary>Takes an entry out. False when there is none.</summary>
    public bool Remove(uint hash, ContentRef reference)
    {
        if (!TryLocate(hash, reference, out var index, out var place))
        {
            return false;
        }

        RemoveAt(ref _buckets[index], place);
        return true;
    }

    /// <summary>Asks for the cache line that a search for this hash begins with, some lookups ahead of it.</summary>
    public void Prefetch(uint hash) => _buckets.Prefetch(HomeOf(hash));

    /// <summary>
    /// Gives memory back if more than a third of it is unused: once all contents were seen, and many were equal to
    /// others.
    /// </summary>
    /// <exception cref="PlatformException">There is no memory for the smaller table; the index is unchanged.</exception>
    public void TrimExcess()
    {
        if (Bytes > LeastWorthTrimming && Count < Places * LoadWorthTrimming)
        {
            Resize((long)(Count / LoadAfterTrimming));
        }
    }

    /// <summary>
    /// Drops all stale entries and sets the overflow marks anew. Asks the source once for each entry.
    /// </summary>
    public void Sweep()
    {
        for (var index = 0L; index < _buckets.Length; index++)
        {
            _buckets[index].HasOverflowed = false;
        }

        for (var index = 0L; index < _buckets.Length; index++)
        {
            ref var bucket = ref _buckets[index];
            for (var place = bucket.Count - 1; place >= 0; place--)
            {
                var (tag, reference) = (bucket.TagAt(place), bucket.ReferenceAt(place));
                if (_source.TryGetHash(reference, out var hash) && IsReachable(hash, tag, index))
                {
                    MarkPath(hash, index);
                    bucket.Set(place, tag, reference, displaced: HomeOf(hash) != index);
                }
                else
                {
                    RemoveAt(ref bucket, place);
                }
            }
        }

        _outdatedMarks = 0;
    }

    /// <inheritdoc/>
    public void Dispose() => _buckets.Dispose();

    private static ushort TagOf(uint hash) => unchecked((ushort)hash);

    // The lowest prime that is not less: trial division costs nothing beside filling the table.
    private static long NextPrime(long number)
    {
        for (number |= 1; ; number += 2)
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

    // The high bits of the hash decide here, the low ones are the tag.
    private long HomeOf(uint hash) => (long)(((ulong)hash * (ulong)_buckets.Length) >> 32);

    // The step must not be the same for all hashes of a bucket, hence the multiplication, which makes other bits the
    // high ones. It is below the number of buckets, a prime, so no path comes back to where it was.
    private ProbePath PathOf(uint hash) =>
        new(HomeOf(hash), Math.Max(1, HomeOf(unchecked(hash * 0x9E37_79B1))), _buckets.Length);

    // Whether a search for this hash can end at an entry with that tag in this bucket.
    private bool IsReachable(uint hash, ushort tag, long index)
    {
        var path = PathOf(hash);
        while (path.IsInside && path.Index != index)
        {
            path.MoveNext();
        }

        return TagOf(hash) == tag && path.IsInside;
    }

    private bool TryLocate(uint hash, ContentRef reference, out long index, out int place)
    {
        var tag = TagOf(hash);
        for (var path = PathOf(hash); path.IsInside; path.MoveNext())
        {
            index = path.Index;
            ref var bucket = ref _buckets[index];
            place = bucket.PlaceOf(tag, reference);
            if (place >= 0)
            {
                return true;
            }

            if (!bucket.HasOverflowed)
            {
                break;
            }
        }

        (index, place) = (-1, -1);
        return false;
    }

    private void Add(uint hash, ContentRef reference)
    {
        for (var path = PathOf(hash); path.IsInside; path.MoveNext())
        {
            ref var bucket = ref _buckets[path.Index];
            if (!bucket.IsFull)
            {
                bucket.Add(TagOf(hash), reference, displaced: path.Probes != 0);
                MarkPath(hash, path.Index);
                Count++;
                return;
            }
        }

        Evict(hash, reference);
    }

    // Frames are spared, since nothing would find them again before they are free; a hint comes back when its page is
    // written.
    private void Evict(uint hash, ContentRef reference)
    {
        ref var bucket = ref _buckets[HomeOf(hash)];
        var first = (int)(Evictions++ % ContentBucket.Places);
        for (var i = 0; i < ContentBucket.Places; i++)
        {
            var place = (first + i) % ContentBucket.Places;
            if (!bucket.ReferenceAt(place).IsFrame)
            {
                _outdatedMarks += bucket.IsDisplaced(place) ? 1 : 0;
                bucket.Set(place, TagOf(hash), reference, displaced: false);
                return;
            }
        }
    }

    private void MarkPath(uint hash, long end)
    {
        for (var path = PathOf(hash); path.Index != end; path.MoveNext())
        {
            _buckets[path.Index].HasOverflowed = true;
        }
    }

    private void RemoveAt(ref ContentBucket bucket, int place)
    {
        _outdatedMarks += bucket.IsDisplaced(place) ? 1 : 0;
        bucket.RemoveAt(place);
        Count--;
    }

    private void MakeRoom()
    {
        // While contents come in that were never seen, the table is made for what is still to come, at most four times
        // as large. Later it is full of what changed.
        var contents = _source.CountContents();
        var isYoung = contents * LoadWorthGrowing > Places * MaximumLoad;
        if (!isYoung)
        {
            Sweep();
            if (Count < (long)(Places * LoadWorthGrowing))
            {
                return;
            }
        }

        var needed = Count / LoadAfterGrowth;
        Resize((long)(isYoung ? Math.Clamp(contents / LoadWhenComplete, needed, MostGrowth * needed) : needed));
    }

    private void Resize(long places)
    {
        var old = _buckets;
        _buckets = NativeArray<ContentBucket>.Allocate(
            NextPrime(places / ContentBucket.Places), ContentBucket.SizeInBytes, isDense: true);
        Count = 0;
        _outdatedMarks = 0;
        for (var index = 0L; index < old.Length; index++)
        {
            ref var bucket = ref old[index];
            for (var place = 0; place < bucket.Count; place++)
            {
                var reference = bucket.ReferenceAt(place);
                if (_source.TryGetHash(reference, out var hash) && TagOf(hash) == bucket.TagAt(place))
                {
                    Add(hash, reference);
                }
            }
        }

        old.Dispose();
    }
}

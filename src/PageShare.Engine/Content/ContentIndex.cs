using System.Numerics;
using PageShare.Memory;
using PageShare.Platform;

namespace PageShare.Content;

/// <summary>Finds, for a page's hash, a frame or another page that probably has the same content.</summary>
/// <remarks>
/// <para>There is an entry for nearly every page of unique memory, so its size decides what deduplication costs: a tree
/// node or a managed object would take 40 to 64 bytes. Here it is 5.3 bytes of a cache line, which holds twelve, because
/// hashes are not stored: 8 bits of tag pick the candidates and <see cref="IContentSource"/> says what their hash is
/// now. A search for what is not there looks at one place in 256 in vain, at its record: once in 20 searches. That also
/// makes stale entries harmless. A page that is shared or freed leaves its entry behind, and whoever meets it drops it;
/// but for the rare one whose page has come to a hash with the same tag and bucket, which is a second entry of its
/// page then.</para>
/// <para>The first bucket is the hash scaled to the number of buckets (Lemire's fastrange), so that number need not be
/// a power of two: the table is made for as many contents as there are, and later it grows by about a tenth, not by
/// doubling. A full bucket is marked, and its entries go on to others, a step apart that depends on the hash too
/// (double hashing; as F14 does it, whose marks these are). A search ends at the first bucket without a mark. Going on
/// to the next neighbour was tried: whole stretches fill up, and of 400,000 entries 2,700 found sixteen buckets in a
/// row full. Removing an entry can't tell whether a mark is still needed by others, so marks stay until they are set
/// anew; when too many may be out of date, that is due. Displaced entries go back as near to their first bucket as
/// there is room then. Without that, a table that changes all the time comes to more and more of them: by simulation,
/// to seven buckets a search in place of 2.3.</para>
/// <para>Bounds. Memory: at most <see cref="MaximumBytesPerEntry"/> for each entry that was live when the table last
/// grew, or for each content that there could be if that is more, plus the smallest table; for the moment of growing
/// the old table exists as well. It shrinks when asked to. Time: a search looks at no more than <see
/// cref="MaximumProbes"/> cache lines, at 1.1 to 1.9 on average as the table fills, and 2.3 where contents change all
/// the time. Where they come in one by one, a dozen entries are moved for each. Pages made to collide get that far,
/// and then push each other's hints out.</para>
/// <para>Losing an entry loses a chance to share and nothing else. Not thread-safe: guarded by the engine's
/// lock.</para>
/// </remarks>
internal sealed class ContentIndex : IDisposable
{
    /// <summary>
    /// Most bytes an entry: 64 / (12 × 0.83) = 6.4 when the table has just grown; the rest is for the prime.
    /// </summary>
    public const int MaximumBytesPerEntry = 7;

    /// <summary>
    /// Most buckets that a search looks at. At the highest load 58 % of the buckets are full, so a hash finds all of
    /// its buckets full once in 3 × 10^7 insertions.
    /// </summary>
    public const int MaximumProbes = 32;

    private const int MinimumBuckets = 61;
    private const double MaximumLoad = 0.90;

    // How full a table is made. A sweep that leaves more entries would be due again too soon: thirteen are looked at
    // for each one that it makes room for.
    private const double LoadAfterResize = 0.83;

    // The second if all that there can be fills no more: until equal contents are merged, that is not known.
    private const double LoadWorthTrimming = 0.65;
    private const double LoadOfAllWorthTrimming = 0.75;
    private const long LeastWorthTrimming = 64 * 1024;

    // Of the contents that are still to come many may be equal to others, and need no entry. The second if that makes
    // room for all of them: a table that nearly does would only be moved once more.
    private const long MostGrowth = 4;
    private const long MostLastGrowth = 6;

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
                    if (path.Probes != 0)
                    {
                        bucket.MarkDisplaced(place);
                    }

                    return true;
                }

                // An entry for another hash with the same tag is none of our business while it is where that hash
                // belongs.
                if (!isLive || !IsReachable(current, tag, path.Index, _buckets.Length))
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
        if (Count >= (long)(Places * MaximumLoad))
        {
            MakeRoom();
        }
        else if (_outdatedMarks > Places / 16)
        {
            RenewMarks(ofAll: false);
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
    /// Gives memory back if more than a third of it is unused, or a quarter that no content can need: once all contents
    /// were seen, and many were equal to others. Asks the source how many there are if it may be so.
    /// </summary>
    /// <exception cref="PlatformException">There is no memory for the smaller table; the index is unchanged.</exception>
    public void TrimExcess()
    {
        if (Bytes > LeastWorthTrimming && (Count < Places * LoadWorthTrimming || IsTooLargeForAll()))
        {
            Resize((long)(Count / LoadAfterResize));
        }
    }

    /// <summary>
    /// Drops all stale entries, sets the overflow marks anew, and takes displaced entries as near to their first bucket
    /// as there is room. Asks the source once for each entry.
    /// </summary>
    public void Sweep() => RenewMarks(ofAll: true);

    /// <inheritdoc/>
    public void Dispose() => _buckets.Dispose();

    private static byte TagOf(uint hash) => unchecked((byte)hash);

    // Whether a search for this hash, in a table of so many buckets, can end at an entry with that tag in this one.
    private static bool IsReachable(uint hash, byte tag, long index, long buckets) =>
        TagOf(hash) == tag && ProbePath.CanReach(hash, index, buckets);

    private long HomeOf(uint hash) => ProbePath.HomeOf(hash, _buckets.Length);

    private ProbePath PathOf(uint hash) => new(hash, _buckets.Length);

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
                if (path.Probes != 0)
                {
                    bucket.MarkDisplaced(place);
                }

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

    // Only displaced entries need marks, so it is enough to ask for these; a stale one that is not stays then.
    private void RenewMarks(bool ofAll)
    {
        for (var index = 0L; index < _buckets.Length; index++)
        {
            _buckets[index].HasOverflowed = false;
        }

        for (var index = 0L; index < _buckets.Length; index++)
        {
            // From the highest place down: what moves into a gap, or comes back to this bucket, was looked at.
            ref var bucket = ref _buckets[index];
            for (var place = bucket.Count - 1; place >= 0; place--)
            {
                if (ofAll || bucket.IsDisplaced(place))
                {
                    Renew(ref bucket, place, index);
                }
            }
        }

        _outdatedMarks = 0;
    }

    // Takes the entry out if it is stale, or to where it would go now: with its own place free, that is no farther.
    private void Renew(ref ContentBucket bucket, int place, long index)
    {
        var (tag, reference) = (bucket.TagAt(place), bucket.ReferenceAt(place));
        var isLive = _source.TryGetHash(reference, out var hash) && IsReachable(hash, tag, index, _buckets.Length);
        if (isLive && HomeOf(hash) == index)
        {
            return;
        }

        RemoveAt(ref bucket, place);
        if (isLive)
        {
            Add(hash, reference);
        }
    }

    private bool IsTooLargeForAll()
    {
        var most = Places * LoadOfAllWorthTrimming;
        return Count < most && _source.CountContents() < most;
    }

    private void MakeRoom()
    {
        // While contents come in that were never seen, the table is made for what is still to come. Later it is full of
        // what changed.
        var contents = _source.CountContents();
        if (contents <= Places * MaximumLoad)
        {
            Sweep();
            if (Count < (long)(Places * LoadAfterResize))
            {
                return;
            }
        }

        var most = contents <= MostLastGrowth * Count ? contents : MostGrowth * Count;
        Resize((long)(Math.Max(Count, most) / LoadAfterResize));
    }

    private void Resize(long places)
    {
        var old = _buckets;
        _buckets = NativeArray<ContentBucket>.Allocate(
            ProbePath.BucketsFor(Math.Max(MinimumBuckets, places / ContentBucket.Places)),
            ContentBucket.SizeInBytes,
            isDense: true);
        Count = 0;
        _outdatedMarks = 0;
        for (var index = 0L; index < old.Length; index++)
        {
            ref var bucket = ref old[index];
            for (var place = 0; place < bucket.Count; place++)
            {
                var reference = bucket.ReferenceAt(place);
                if (_source.TryGetHash(reference, out var hash)
                    && IsReachable(hash, bucket.TagAt(place), index, old.Length))
                {
                    Add(hash, reference);
                }
            }
        }

        old.Dispose();
    }
}

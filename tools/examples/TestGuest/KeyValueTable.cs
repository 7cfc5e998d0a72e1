using System.Runtime.CompilerServices;

namespace TestGuest;

/// <summary>
/// A hash table that lives in a <see cref="GuestHeap"/>, entries, buckets and all: chains of entries, each with its key,
/// its value and a checksum. Not thread-safe.
/// </summary>
internal sealed class KeyValueTable
{
    private const int FirstBuckets = 1024;

    private readonly GuestHeap _heap;
    private long _buckets; // place of the array of first entries
    private long _bucketCount = FirstBuckets;

    public KeyValueTable(GuestHeap heap)
    {
        _heap = heap;
        _buckets = NewBuckets(_bucketCount);
    }

    /// <summary>Entries.</summary>
    public long Count { get; private set; }

    /// <summary>Bytes of keys and values.</summary>
    public long DataBytes { get; private set; }

    /// <summary>Puts a value under a key; true if the key is new.</summary>
    public bool Set(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        var isNew = !Remove(key);
        if (Count >= _bucketCount)
        {
            Rehash(2 * _bucketCount);
        }

        var hash = Hash(key);
        var place = _heap.Allocate(Unsafe.SizeOf<Entry>() + key.Length + value.Length);
        ref var first = ref BucketOf(hash);
        _heap.At<Entry>(place) = new Entry
        {
            Next = first,
            KeyHash = hash,
            Checksum = Hash(value),
            KeyLength = key.Length,
            ValueLength = value.Length,
        };
        key.CopyTo(KeyAt(place));
        value.CopyTo(ValueAt(place));
        first = place;
        Count++;
        DataBytes += key.Length + value.Length;
        return isNew;
    }

    /// <summary>Finds the value of a key; it must not be used after the next change.</summary>
    public bool TryGet(ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value)
    {
        var place = Find(key);
        value = place == 0 ? default : ValueAt(place);
        return place != 0;
    }

    /// <summary>Takes a key out; false if it is not there.</summary>
    public bool Remove(ReadOnlySpan<byte> key)
    {
        ref var link = ref Find(key);
        if (link == 0)
        {
            return false;
        }

        var place = link;
        var entry = _heap.At<Entry>(place);
        link = entry.Next;
        _heap.Free(place, entry.Bytes);
        Count--;
        DataBytes -= entry.KeyLength + entry.ValueLength;
        return true;
    }

    /// <summary>Looks at every byte: each entry is where it belongs and what it was.</summary>
    /// <exception cref="InvalidDataException">Something is not.</exception>
    public void Verify()
    {
        var blocks = new List<long> { _bucketCount * sizeof(long) };
        for (var bucket = 0L; bucket < _bucketCount; bucket++)
        {
            for (var place = _heap.At<long>(_buckets + (bucket * sizeof(long))); place != 0;)
            {
                var entry = _heap.At<Entry>(place);
                if (entry.KeyHash != Hash(KeyAt(place)) || (long)(entry.KeyHash % (ulong)_bucketCount) != bucket
                    || entry.Checksum != Hash(ValueAt(place)))
                {
                    throw new InvalidDataException($"The entry at {place} is damaged.");
                }

                blocks.Add(entry.Bytes);
                place = entry.Next;
            }
        }

        if (blocks.Count - 1 != Count)
        {
            throw new InvalidDataException($"{blocks.Count - 1} entries were found; there should be {Count}.");
        }

        _heap.Verify(blocks);
    }

    // FNV-1a (Fowler, Noll, Vo): short, and good enough for an example.
    private static ulong Hash(ReadOnlySpan<byte> bytes)
    {
        var hash = 14695981039346656037;
        foreach (var value in bytes)
        {
            hash = (hash ^ value) * 1099511628211;
        }

        return hash;
    }

    private ref long BucketOf(ulong hash) =>
        ref _heap.At<long>(_buckets + ((long)(hash % (ulong)_bucketCount) * sizeof(long)));

    /// <summary>The link that leads to a key's entry, or the 0 at the end of its chain.</summary>
    private ref long Find(ReadOnlySpan<byte> key)
    {
        var hash = Hash(key);
        ref var link = ref BucketOf(hash);
        while (link != 0)
        {
            ref var entry = ref _heap.At<Entry>(link);
            if (entry.KeyHash == hash && KeyAt(link).SequenceEqual(key))
            {
                break;
            }

            link = ref entry.Next;
        }

        return ref link;
    }

    private Span<byte> KeyAt(long place) =>
        _heap.Bytes(place + Unsafe.SizeOf<Entry>(), _heap.At<Entry>(place).KeyLength);

    private Span<byte> ValueAt(long place)
    {
        var entry = _heap.At<Entry>(place);
        return _heap.Bytes(place + Unsafe.SizeOf<Entry>() + entry.KeyLength, entry.ValueLength);
    }

    private long NewBuckets(long count)
    {
        var place = _heap.Allocate(count * sizeof(long));
        _heap.Bytes(place, checked((int)(count * sizeof(long)))).Clear();
        return place;
    }

    private void Rehash(long count)
    {
        var (oldBuckets, oldCount) = (_buckets, _bucketCount);
        _buckets = NewBuckets(count);
        _bucketCount = count;
        for (var bucket = 0L; bucket < oldCount; bucket++)
        {
            for (var place = _heap.At<long>(oldBuckets + (bucket * sizeof(long))); place != 0;)
            {
                ref var entry = ref _heap.At<Entry>(place);
                ref var first = ref BucketOf(entry.KeyHash);
                (place, entry.Next, first) = (entry.Next, first, place);
            }
        }

        _heap.Free(oldBuckets, oldCount * sizeof(long));
    }

    private struct Entry
    {
        public long Next;
        public ulong KeyHash;
        public ulong Checksum;
        public int KeyLength;
        public int ValueLength;

        public readonly long Bytes => Unsafe.SizeOf<Entry>() + KeyLength + ValueLength;
    }
}

using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace PageShare.Content;

/// <summary>
/// One cache line of the content index: up to twelve entries, which fill the places from 0 on without gaps.
/// </summary>
/// <remarks>
/// <code>
///  byte  0            12                         60        64
///       +------------+--------------------------+---------+
///       | tag × 12   | id × 12                  | control |
///       +------------+--------------------------+---------+
///
///  control 31     29   28  27   24 23        12 11        0
///         +---------+----+-------+------------+-----------+
///         | spare   | ov | count | displaced  | frame     |
///         +---------+----+-------+------------+-----------+
/// </code>
/// <para>frame, displaced: a bit for each entry: it names a frame; it did not fit into the bucket where its hash
/// belongs. ov: an entry went past this bucket when it was full, so a search must too.</para>
/// <para>Tags of 16 bits leave room for ten entries. With 8 bits one entry in 256 that is looked at is another's, and
/// costs a look at its record; twelve of them fit, and so many more places on a line leave fewer lines to look
/// at.</para>
/// </remarks>
[StructLayout(LayoutKind.Sequential, Size = SizeInBytes)]
internal struct ContentBucket
{
    /// <summary>Bytes of a bucket: a cache line.</summary>
    public const int SizeInBytes = 64;

    /// <summary>Entries that a bucket holds.</summary>
    public const int Places = 12;

    private const int DisplacedShift = Places;
    private const int CountShift = 2 * Places;
    private const int OverflowShift = CountShift + 4;
    private const uint CountMask = 0xFu << CountShift;
    private const uint OverflowMask = 1u << OverflowShift;

    private Tags _tags;
    private Ids _ids;
    private uint _control;

    /// <summary>Entries in use.</summary>
    public readonly int Count => (int)((_control & CountMask) >> CountShift);

    /// <summary>Whether every place is taken.</summary>
    public readonly bool IsFull => Count == Places;

    /// <summary>Whether searches must go on to the next bucket.</summary>
    public bool HasOverflowed
    {
        readonly get => (_control & OverflowMask) != 0;
        set => _control = value ? _control | OverflowMask : _control & ~OverflowMask;
    }

    /// <summary>A bit for each place whose entry has this tag.</summary>
    public readonly uint PlacesWith(byte tag)
    {
        // The vector covers the twelve tags and the first id, which the mask of places in use drops.
        ref readonly var first = ref Unsafe.As<Tags, byte>(ref Unsafe.AsRef(in _tags));

        // SAFETY: 16 bytes from the start of a struct of 64.
        var equal = Vector128.Equals(Vector128.LoadUnsafe(in first), Vector128.Create(tag));
        return equal.ExtractMostSignificantBits() & ((1u << Count) - 1);
    }

    /// <summary>The place of the entry with this tag and reference, or -1.</summary>
    public readonly int PlaceOf(byte tag, ContentRef reference)
    {
        for (var places = PlacesWith(tag); places != 0; places &= places - 1)
        {
            var place = BitOperations.TrailingZeroCount(places);
            if (ReferenceAt(place) == reference)
            {
                return place;
            }
        }

        return -1;
    }

    /// <summary>The tag of the entry at a place in use.</summary>
    public readonly byte TagAt(int place) => _tags[place];

    /// <summary>What the entry at a place in use names.</summary>
    public readonly ContentRef ReferenceAt(int place) => new((_control & (1u << place)) != 0, _ids[place]);

    /// <summary>Whether the entry at a place in use belongs into an earlier bucket.</summary>
    public readonly bool IsDisplaced(int place) => (_control & (1u << (place + DisplacedShift))) != 0;

    /// <summary>Puts an entry behind the last one; the bucket must not be full.</summary>
    public void Add(byte tag, ContentRef reference, bool displaced)
    {
        var place = Count;
        _control += 1u << CountShift;
        Set(place, tag, reference, displaced);
    }

    /// <summary>Replaces the entry at a place in use.</summary>
    public void Set(int place, byte tag, ContentRef reference, bool displaced)
    {
        _tags[place] = tag;
        _ids[place] = reference.Id;
        SetBit(place, reference.IsFrame);
        SetBit(place + DisplacedShift, displaced);
    }

    /// <summary>
    /// The entry at a place in use was found behind an earlier bucket, whose mark it needs: it may be a stale one that
    /// its page's new hash leads to.
    /// </summary>
    public void MarkDisplaced(int place) => SetBit(place + DisplacedShift, true);

    /// <summary>Takes the entry at a place in use out; the last one moves into the gap.</summary>
    public void RemoveAt(int place)
    {
        var last = Count - 1;
        Set(place, _tags[last], ReferenceAt(last), IsDisplaced(last));
        _control -= 1u << CountShift;
    }

    private void SetBit(int bit, bool value) => _control = value ? _control | (1u << bit) : _control & ~(1u << bit);

    [InlineArray(Places)]
    private struct Tags
    {
        private byte _first;
    }

    [InlineArray(Places)]
    private struct Ids
    {
        private uint _first;
    }
}

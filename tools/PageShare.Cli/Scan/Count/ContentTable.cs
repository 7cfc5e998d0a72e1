using System.Runtime.CompilerServices;
using PageShare.Memory;

namespace PageShare.Cli.Scan.Count;

/// <summary>
/// All distinct contents, numbered in the order in which they were first seen, and found by their hash.
/// </summary>
/// <remarks>
/// <para>Two flat tables outside the GC heap: contents in blocks that never move, and slots that lead to them, by
/// linear probing, at most 80 % full. A slot is 32 bits of the hash and the content's number, so that a probe seldom
/// leaves the slots. When they are full they are dropped and made anew half as large again from the contents, which
/// needs no second copy: so a content costs 40 bytes and at most 15 for its slot.</para>
/// <para>The place of a hash is its lower half times the number of slots, divided by 2^64, which needs no power of two
/// (Lemire, "Fast Random Integer Generation in an Interval", 2019). Guard: one thread at a time; once nothing is added
/// any more, any number may look at contents by number.</para>
/// </remarks>
internal sealed class ContentTable : IDisposable
{
    // So that numbers, and those of frames, are positive integers of 32 bits.
    private const long MostContents = int.MaxValue;

    private const int BlockShift = 15;
    private const int BlockContents = 1 << BlockShift;
    private const int FirstSlots = 1 << 16;
    private const double MostLoad = 0.8;
    private const double Growth = 1.5;
    private const int PrefetchAhead = 16;
    private const int SlotsPerLine = 8;

    private readonly List<NativeArray<PageContent>> _blocks = [];
    private NativeArray<Slot> _slots = NativeArray<Slot>.Allocate(FirstSlots, isDense: true);
    private long _room = (long)(FirstSlots * MostLoad);

    /// <summary>Distinct contents; numbers are below it.</summary>
    public long Count { get; private set; }

    /// <summary>Bytes of the tables now.</summary>
    public long Bytes => _slots.Bytes + _blocks.Sum(block => block.Bytes);

    /// <summary>The content of a number.</summary>
    public ref PageContent this[long number] => ref _blocks[(int)(number >> BlockShift)][number & (BlockContents - 1)];

    /// <summary>Asks for the memory that looking up some pages will need: their slots, and what these lead
    /// to.</summary>
    public void Prefetch(ReadOnlySpan<PageDigest> pages)
    {
        foreach (ref readonly PageDigest page in pages)
        {
            // A probe often goes on into the next cache line.
            long place = PlaceOf(page.Low);
            _slots.Prefetch(place);
            _slots.Prefetch(Math.Min(place + SlotsPerLine, _slots.Length - 1));
        }

        foreach (ref readonly PageDigest page in pages)
        {
            Slot slot = _slots[PlaceOf(page.Low)];
            if (slot.Tag == (uint)page.High && slot.NumberPlusOne != 0)
            {
                long number = slot.NumberPlusOne - 1;
                _blocks[(int)(number >> BlockShift)].Prefetch(number & (BlockContents - 1));
            }
        }
    }

    /// <summary>The number of a page's content; a new one if it was never seen.</summary>
    /// <param name="page">Not all zero.</param>
    /// <param name="target">Used for a new content.</param>
    /// <param name="isNew">Whether it was never seen.</param>
    /// <exception cref="CommandException">There are more contents than a slot can number.</exception>
    public long FindOrAdd(in PageDigest page, int target, out bool isNew)
    {
        long place = PlaceOf(page.Low);
        uint tag = (uint)page.High;
        while (true)
        {
            Slot slot = _slots[place];
            if (slot.NumberPlusOne == 0)
            {
                break;
            }

            if (slot.Tag == tag && IsContent(slot.NumberPlusOne - 1, page))
            {
                isNew = false;
                return slot.NumberPlusOne - 1;
            }

            place = place + 1 == _slots.Length ? 0 : place + 1;
        }

        isNew = true;
        return Add(page, target, place);
    }

    /// <summary>The number of a content by its hash; -1 if there is none.</summary>
    public long Find(ulong high, ulong low)
    {
        long place = PlaceOf(low);
        for (Slot slot; (slot = _slots[place]).NumberPlusOne != 0; place = place + 1 == _slots.Length ? 0 : place + 1)
        {
            ref PageContent content = ref this[slot.NumberPlusOne - 1];
            if (content.High == high && content.Low == low)
            {
                return slot.NumberPlusOne - 1;
            }
        }

        return -1;
    }

    /// <summary>Frees the slots. Contents can be looked at by number as before, and no longer be found.</summary>
    public void DropSlots()
    {
        _slots.Dispose();
        _room = 0;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _slots.Dispose();
        _blocks.ForEach(block => block.Dispose());
        _blocks.Clear();
    }

    private long Add(in PageDigest page, int target, long place)
    {
        if (Count == _room)
        {
            Grow();
            place = FreePlace(page.Low);
        }

        long number = Count++;
        if (number >> BlockShift == _blocks.Count)
        {
            _blocks.Add(NativeArray<PageContent>.Allocate(BlockContents, isDense: true));
        }

        this[number] = PageContent.First(page, target);
        _slots[place] = new Slot((uint)page.High, (uint)(number + 1));
        return number;
    }

    private void Grow()
    {
        if (Count == MostContents)
        {
            throw CommandException.Failed("more than 2 billion distinct pages: use --sample.");
        }

        long slots = (long)(_slots.Length * Growth);
        _slots.Dispose();
        _slots = NativeArray<Slot>.Allocate(slots, isDense: true);
        _room = Math.Min((long)(slots * MostLoad), MostContents);
        for (long number = 0; number < Count; number++)
        {
            if (number + PrefetchAhead < Count)
            {
                _slots.Prefetch(PlaceOf(this[number + PrefetchAhead].Low));
            }

            ref PageContent content = ref this[number];
            _slots[FreePlace(content.Low)] = new Slot((uint)content.High, (uint)(number + 1));
        }
    }

    private long FreePlace(ulong low)
    {
        long place = PlaceOf(low);
        while (_slots[place].NumberPlusOne != 0)
        {
            place = place + 1 == _slots.Length ? 0 : place + 1;
        }

        return place;
    }

    private bool IsContent(long number, in PageDigest page)
    {
        ref PageContent content = ref this[number];
        return content.High == page.High && content.Low == page.Low;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private long PlaceOf(ulong low) => (long)Math.BigMul(low, (ulong)_slots.Length, out _);

    /// <summary>Leads to a content; all zero if free.</summary>
    private readonly record struct Slot(uint Tag, uint NumberPlusOne);
}

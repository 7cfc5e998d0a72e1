using System.Numerics;
using PageShare.Memory;
using PageShare.Platform;

namespace PageShare.Fault;

/// <summary>
/// Kernel mode: which pages of one region are known to be broken, one bit a page, so that a break is counted exactly
/// once, whether a break event or the page table tells of it first, and however often.
/// </summary>
/// <remarks>
/// A bit is set when a break is counted, and must be cleared when the page gives its copy up: brought home, dropped,
/// or merged anew. Otherwise its next break is not counted. Guard: the engine's lock, for everything; and it must be
/// held from the look at the page table to the call here, or a copy that was given up meanwhile is counted as a new
/// one.
/// </remarks>
internal sealed unsafe class AnonymousCopies : IDisposable
{
    private const int BitsPerWord = 64;

    private readonly NativeArray<ulong> _counted;
    private readonly long _pages;

    /// <summary>Makes an empty bitmap; its memory is taken where pages break.</summary>
    /// <param name="pages">Most pages that the region may grow to.</param>
    /// <exception cref="OutOfMemoryException">The machine has not that much.</exception>
    public AnonymousCopies(long pages)
    {
        _pages = pages;
        _counted = NativeArray<ulong>.Allocate((pages + BitsPerWord - 1) / BitsPerWord);
    }

    /// <summary>Pages that are counted as broken now: copies of their own that the kernel keeps.</summary>
    public long Count { get; private set; }

    /// <summary>Whether, for all that is known, no page is broken but those counted: break events tell of others. If not,
    /// the page table is to be asked.</summary>
    public bool AreAllCounted { get; set; }

    /// <summary>Whether any of these pages is counted as broken.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There are no such pages.</exception>
    public bool ContainsAny(PageNumber first, int count)
    {
        for (var page = first; page < first + count; page++)
        {
            if (_counted[page.Value / BitsPerWord] == 0)
            {
                page += BitsPerWord - 1 - (page.Value % BitsPerWord); // none to the end of the word
            }
            else if (Contains(page))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Sets the bits of the pages that are counted as broken.</summary>
    /// <param name="pages">A bit a page, from the region's first.</param>
    public void AddTo(Span<ulong> pages)
    {
        for (var word = 0; word < pages.Length; word++)
        {
            pages[word] |= _counted[word];
        }
    }

    /// <summary>Whether the page is counted as broken.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such page.</exception>
    public bool Contains(PageNumber page) => (_counted[page.Value / BitsPerWord] & BitOf(page)) != 0;

    /// <summary>Counts a page that the page table shows as broken. False if it was counted before.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such page.</exception>
    public bool CountNew(PageNumber page) => Mark(page.Value / BitsPerWord, BitOf(page)) != 0;

    /// <summary>Counts what the page table says of a stretch of pages.</summary>
    /// <param name="first">The stretch's first page.</param>
    /// <param name="anonymous">ps_find_anonymous' answer: bit i of word i / 64 is page first + i.</param>
    /// <returns>How many of these pages were not counted before.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A bit stands for a page that does not exist.</exception>
    public int CountNew(PageNumber first, ReadOnlySpan<ulong> anonymous)
    {
        var shift = (int)(first.Value % BitsPerWord);
        var word = first.Value / BitsPerWord;
        var counted = 0;
        foreach (var bits in anonymous)
        {
            counted += Mark(word, bits << shift);
            word++;

            // A shift by 64 would be one by 0. The word behind is only touched when bits fall into it: it may not
            // exist.
            if (shift != 0)
            {
                counted += Mark(word, bits >> (BitsPerWord - shift));
            }
        }

        return counted;
    }

    /// <summary>
    /// Counts the breaks among faults: pages of the region that are not counted yet and that the page table shows as
    /// broken.
    /// </summary>
    /// <param name="start">First byte of the region.</param>
    /// <param name="faults">
    /// From <see cref="BreakEvents.Drain"/>, ascending. Those of other regions are left as they are, so that one batch
    /// serves all regions; those of this one are used up.
    /// </param>
    /// <returns>How many breaks were counted.</returns>
    /// <exception cref="PlatformException">The page table cannot be asked; nothing was counted.</exception>
    public int CountNew(byte* start, Span<nuint> faults)
    {
        var mine = WithinRegion(faults, (nuint)start);
        var candidates = mine[..DropCounted(mine, (nuint)start)];
        var counted = 0;
        foreach (var address in candidates[..KeepAnonymous(candidates)])
        {
            counted += CountNew(PageNumber.Containing((long)(address - (nuint)start))) ? 1 : 0;
        }

        return counted;
    }

    /// <summary>
    /// Forgets that a page is broken, since it gave its copy up: its next break counts anew. False if it was not
    /// counted.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such page.</exception>
    public bool Clear(PageNumber page)
    {
        ref var word = ref _counted[page.Value / BitsPerWord];
        var wasCounted = (word & BitOf(page)) != 0;
        word &= ~BitOf(page);
        Count -= wasCounted ? 1 : 0;
        return wasCounted;
    }

    /// <inheritdoc/>
    public void Dispose() => _counted.Dispose();

    private static ulong BitOf(PageNumber page) => 1UL << (int)(page.Value % BitsPerWord);

    private int Mark(long word, ulong bits)
    {
        if (bits == 0)
        {
            return 0;
        }

        ref var counted = ref _counted[word];
        var added = BitOperations.PopCount(bits & ~counted);
        counted |= bits;
        Count += added;
        return added;
    }

    private Span<nuint> WithinRegion(Span<nuint> faults, nuint start)
    {
        var mine = faults[FirstAtLeast(faults, start)..];
        return mine[..FirstAtLeast(mine, start + ((nuint)_pages << PageSize.Shift))];
    }

    /// <summary>Where the first element of at least <paramref name="bound"/> is, or would be.</summary>
    private static int FirstAtLeast(ReadOnlySpan<nuint> ascending, nuint bound)
    {
        var low = 0;
        for (var high = ascending.Length; low < high;)
        {
            var middle = (int)((uint)(low + high) / 2);
            if (ascending[middle] < bound)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }

    /// <summary>Moves the addresses of pages that are not counted yet to the front; returns how many.</summary>
    private int DropCounted(Span<nuint> addresses, nuint start)
    {
        var kept = 0;
        foreach (var address in addresses)
        {
            if (!Contains(PageNumber.Containing((long)(address - start))))
            {
                addresses[kept++] = address;
            }
        }

        return kept;
    }

    private static int KeepAnonymous(Span<nuint> addresses)
    {
        // SAFETY: a native integer has 64 bits wherever the shim runs; the shim writes only into the given length. It
        // asks for addresses and never follows them.
        fixed (nuint* first = addresses)
        {
            var kept = BreakEventsNative.KeepAnonymous((ulong*)first, (ulong)addresses.Length);
            return kept >= 0
                ? (int)kept
                : throw new PlatformException("reading /proc/self/pagemap", $"{addresses.Length} pages", (int)-kept);
        }
    }
}

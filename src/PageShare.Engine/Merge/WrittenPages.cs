using System.Buffers;
using System.Numerics;
using PageShare.Content;
using PageShare.Memory;
using PageShare.Platform;

namespace PageShare.Merge;

/// <summary>
/// Which pages of a region must be looked at: what was written since the scanner last looked, and what it has
/// unfinished business with. All others can be passed over, which is what makes a rescan cheap.
/// </summary>
/// <remarks>
/// <para>The kernel's marks are taken once a pass, for the whole region, and re-armed in the same step; the bits are
/// kept here until the page itself is looked at. A page written between that and the look is marked again for the next
/// pass.</para>
/// <para>A read that fills a hole leaves no mark. It does leave memory that no look accounts for, so the kernel's count
/// of the backing's blocks tells whether there are such holes at all. Guard: the engine's lock.</para>
/// </remarks>
internal sealed unsafe class WrittenPages : IDisposable
{
    private const int BitsPerWord = 64;
    private const int WordsPerStretch = Shim.OrderPages / BitsPerWord;

    // A bit a page each: it was written; there is nothing to be done with it until it is. Of zeroed memory nothing is
    // settled.
    private readonly NativeArray<ulong> _written;
    private readonly NativeArray<ulong> _settled;

    // A byte a stretch: whether it has holes.
    private readonly NativeArray<bool> _hasHoles;
    private bool _holesMayBeFilled = true;

    /// <param name="maximumPages">Most pages that the region may grow to.</param>
    public WrittenPages(long maximumPages)
    {
        var stretches = (maximumPages / Shim.OrderPages) + 1;
        _written = NativeArray<ulong>.Allocate(stretches * WordsPerStretch);
        _settled = NativeArray<ulong>.Allocate(stretches * WordsPerStretch);
        _hasHoles = NativeArray<bool>.Allocate(stretches);
    }

    /// <summary>Whether the marks are complete in the pass under way; if not, every page counts as written.</summary>
    public bool AreKnown { get; private set; }

    /// <summary>How often the marks were taken: what was read before the last time may have been written since without
    /// being marked any more.</summary>
    public long TimesTaken { get; private set; }

    /// <summary>Bytes of bookkeeping for so many pages.</summary>
    public static long BytesFor(long pages) => (pages / 8 * 2) + (pages / Shim.OrderPages);

    /// <summary>Takes the kernel's marks, at the beginning of a pass over the region.</summary>
    public void Take(GuestRegion region)
    {
        // Marks are not set for a guest that nobody scans: they would cost it a microsecond a page and pass.
        // Nor are they taken from a guest that does not answer: its pages all count as written then.
        TimesTaken++;
        AreKnown = region.Spec.TrackWrites && region.IsSharing && TakeStores(region) && TakeCopies(region);
        _holesMayBeFilled = region.Backing.AllocatedBytes != region.Records.HashedPages * PageSize.Bytes;
    }

    /// <summary>The same where there is no kernel to ask, in a simulation.</summary>
    /// <param name="written">A bit a page that was written.</param>
    /// <param name="areKnown">Whether these are all.</param>
    /// <param name="holesMayBeFilled">Whether there is memory that no look accounts for.</param>
    public void Take(ReadOnlySpan<ulong> written, bool areKnown, bool holesMayBeFilled)
    {
        Add(written);
        AreKnown = areKnown;
        _holesMayBeFilled = holesMayBeFilled;
    }

    /// <summary>Whether the page was written since it was last looked at, for all that is known.</summary>
    public bool Contains(PageNumber page) => !AreKnown || (_written[page.Value / BitsPerWord] & BitOf(page)) != 0;

    /// <summary>The page is being looked at. Until it is written, nothing is to be done with it, unless the look finds
    /// otherwise.</summary>
    public void Settle(PageNumber page)
    {
        _written[page.Value / BitsPerWord] &= ~BitOf(page);
        _settled[page.Value / BitsPerWord] |= BitOf(page);
    }

    /// <summary>There is more to be done with the page, whether it is written or not.</summary>
    public void MarkUnsettled(PageNumber page) => _settled[page.Value / BitsPerWord] &= ~BitOf(page);

    /// <summary>The same of many pages.</summary>
    public void MarkUnsettled(PageNumber first, int count)
    {
        for (var page = first; page < first + count; page++)
        {
            MarkUnsettled(page);
        }
    }

    /// <summary>The page has no memory.</summary>
    public void MarkHole(PageNumber page) => _hasHoles[page.Value / Shim.OrderPages] = true;

    /// <summary>Whether the stretch that begins at this page can be passed over: nothing in it was written, and what there
    /// is to be done with some of its pages has its turn in another pass.</summary>
    /// <param name="first">First page.</param>
    /// <param name="records">What is remembered of the region's pages.</param>
    /// <param name="passNumber">For back-off.</param>
    /// <param name="maximumPasses">The same: longest time between two turns.</param>
    public bool CanPassOver(PageNumber first, PageRecords records, long passNumber, int maximumPasses)
    {
        var word = first.Value / BitsPerWord;
        return AreKnown
            && !MayHaveFilledHoles(first)
            && _written.Slice(word, WordsPerStretch).IndexOfAnyExcept(0UL) < 0
            && (_settled.Slice(word, WordsPerStretch).IndexOfAnyExcept(ulong.MaxValue) < 0
                || HasNoTurn(first, records, passNumber, maximumPasses));
    }

    /// <summary>Which pages of a stretch, or of a part of one, need a look.</summary>
    /// <param name="first">First page.</param>
    /// <param name="count">How many.</param>
    /// <param name="places">Receives their places behind the first, ascending.</param>
    /// <returns>How many need one. Holes among them are to be marked again.</returns>
    public int Find(PageNumber first, int count, Span<ushort> places)
    {
        var found = 0;
        var isAnyPage = !AreKnown || MayHaveFilledHoles(first);
        if (isAnyPage && count == Shim.OrderPages)
        {
            _hasHoles[first.Value / Shim.OrderPages] = false;
        }

        for (var i = 0; i < count;)
        {
            // The bits of the pages from here to the end of their word, the lowest first.
            var (word, bit) = ((first.Value + i) / BitsPerWord, (int)((first.Value + i) % BitsPerWord));
            var bits = (isAnyPage ? ulong.MaxValue : _written[word] | ~_settled[word]) >> bit;
            var end = Math.Min(count, i + BitsPerWord - bit);
            for (; bits != 0 && i + BitOperations.TrailingZeroCount(bits) < end; bits &= bits - 1)
            {
                places[found++] = (ushort)(i + BitOperations.TrailingZeroCount(bits));
            }

            i = end;
        }

        return found;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _written.Dispose();
        _settled.Dispose();
        _hasHoles.Dispose();
    }

    private static ulong BitOf(PageNumber page) => 1UL << (int)(page.Value % BitsPerWord);

    private void Add(ReadOnlySpan<ulong> written)
    {
        for (var word = 0; word < written.Length; word++)
        {
            _written[word] |= written[word];
        }
    }

    /// <summary>Whether all unsettled pages of a stretch are private ones that back off in this pass.</summary>
    private bool HasNoTurn(PageNumber first, PageRecords records, long passNumber, int maximumPasses)
    {
        for (var i = 0; i < WordsPerStretch; i++)
        {
            var word = (first.Value / BitsPerWord) + i;
            for (var bits = ~_settled[word]; bits != 0; bits &= bits - 1)
            {
                var page = new PageNumber((word * BitsPerWord) + BitOperations.TrailingZeroCount(bits));
                if (page.Value >= records.Length || records.KindOf(page) != PageKind.Hashed
                    || !records.IsBackedOff(page, passNumber, maximumPasses))
                {
                    return false;
                }
            }
        }

        return true;
    }

    private bool MayHaveFilledHoles(PageNumber page) => _holesMayBeFilled && _hasHoles[page.Value / Shim.OrderPages];

    private bool TakeStores(GuestRegion region)
    {
        // SAFETY: a bit a page of the region's maximum; the shim sets bits of the pages in use, during the call only.
        fixed (ulong* written = &_written[0])
        {
            return region.Orders.FindWritten(region.Pages, written) >= 0;
        }
    }

    /// <summary>
    /// Kernel mode: views of frames carry no marks, but what was stored there is the kernel's own copy. These pages
    /// count as written.
    /// </summary>
    private bool TakeCopies(GuestRegion region)
    {
        if (region.Copies is not { } counted)
        {
            return true;
        }

        var words = Bitmap.WordsFor(region.Pages);
        if (counted.AreAllCounted)
        {
            counted.AddTo(_written.Slice(0, words));
            return true;
        }

        var copies = ArrayPool<ulong>.Shared.Rent(words);
        try
        {
            if (region.Orders.FindCopies(new PageNumber(0), region.Pages, copies.AsSpan(0, words)) < 0)
            {
                return false;
            }

            Add(copies.AsSpan(0, words));
            return true;
        }
        finally
        {
            ArrayPool<ulong>.Shared.Return(copies);
        }
    }
}

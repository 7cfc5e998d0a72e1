using System.Buffers;
using PageShare.Memory;
using PageShare.Platform;

namespace PageShare.Merge;

/// <summary>
/// Which pages of a region must be looked at: what was written since the scanner last looked, and stretches that have
/// unfinished business. All others can be passed over, which is what makes a rescan cheap.
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

    private readonly NativeArray<ulong> _written;
    private readonly NativeArray<Stretch> _stretches;
    private bool _holesMayBeFilled = true;

    /// <param name="maximumPages">Most pages that the region may grow to.</param>
    public WrittenPages(long maximumPages)
    {
        _written = NativeArray<ulong>.Allocate(((maximumPages / Shim.OrderPages) + 1) * WordsPerStretch);
        _stretches = NativeArray<Stretch>.Allocate((maximumPages / Shim.OrderPages) + 1);
    }

    [Flags]
    private enum Stretch : byte
    {
        /// <summary>Nothing to be done until one of its pages is written, or one of its holes is filled.</summary>
        Settled = 1,

        /// <summary>Some of its pages have no memory.</summary>
        HasHoles = 2,

        /// <summary>The look at it found something that is still to be done.</summary>
        Unfinished = 4,
    }

    /// <summary>Whether the marks are complete in the pass under way; if not, every page counts as written.</summary>
    public bool AreKnown { get; private set; }

    /// <summary>Bytes of bookkeeping for so many pages.</summary>
    public static long BytesFor(long pages) => (pages / 8) + (pages / Shim.OrderPages);

    /// <summary>Takes the kernel's marks, at the beginning of a pass over the region.</summary>
    public void Take(GuestRegion region)
    {
        // Marks are not set for a guest that nobody scans: they would cost it a microsecond a page and pass.
        // Nor are they taken from a guest that does not answer: its pages all count as written then.
        AreKnown = region.Spec.TrackWrites && region.IsSharing && TakeStores(region) && TakeCopies(region);
        _holesMayBeFilled = region.Backing.AllocatedBytes != region.Records.HashedPages * PageSize.Bytes;
    }

    /// <summary>Whether the page was written since it was last looked at, for all that is known.</summary>
    public bool Contains(PageNumber page) => !AreKnown || (_written[page.Value / BitsPerWord] & BitOf(page)) != 0;

    /// <summary>The page is being looked at.</summary>
    public void Clear(PageNumber page) => _written[page.Value / BitsPerWord] &= ~BitOf(page);

    /// <summary>Whether the stretch that begins at this page can be passed over.</summary>
    public bool CanPassOver(PageNumber first)
    {
        var stretch = _stretches[first.Value / Shim.OrderPages];
        return AreKnown
            && stretch.HasFlag(Stretch.Settled)
            && !(_holesMayBeFilled && stretch.HasFlag(Stretch.HasHoles))
            && _written.Slice(first.Value / BitsPerWord, WordsPerStretch).IndexOfAnyExcept(0UL) < 0;
    }

    /// <summary>A look at the stretch begins, which may be in parts.</summary>
    public void BeginStretch(PageNumber first) => _stretches[first.Value / Shim.OrderPages] = 0;

    /// <summary>All of the stretch was looked at: it is settled, unless the look found otherwise.</summary>
    public void EndStretch(PageNumber page)
    {
        ref var stretch = ref _stretches[page.Value / Shim.OrderPages];
        stretch |= stretch.HasFlag(Stretch.Unfinished) ? 0 : Stretch.Settled;
    }

    /// <summary>There is more to be done in the stretch of this page, whether it is written or not.</summary>
    public void MarkUnsettled(PageNumber page)
    {
        ref var stretch = ref _stretches[page.Value / Shim.OrderPages];
        stretch = (stretch & ~Stretch.Settled) | Stretch.Unfinished;
    }

    /// <summary>The page has no memory.</summary>
    public void MarkHole(PageNumber page) => _stretches[page.Value / Shim.OrderPages] |= Stretch.HasHoles;

    /// <inheritdoc/>
    public void Dispose()
    {
        _written.Dispose();
        _stretches.Dispose();
    }

    private static ulong BitOf(PageNumber page) => 1UL << (int)(page.Value % BitsPerWord);

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
        if (region.Copies is null)
        {
            return true;
        }

        var words = Bitmap.WordsFor(region.Pages);
        var copies = ArrayPool<ulong>.Shared.Rent(words);
        try
        {
            if (region.Orders.FindCopies(new PageNumber(0), region.Pages, copies.AsSpan(0, words)) < 0)
            {
                return false;
            }

            for (var word = 0; word < words; word++)
            {
                _written[word] |= copies[word];
            }

            return true;
        }
        finally
        {
            ArrayPool<ulong>.Shared.Return(copies);
        }
    }
}

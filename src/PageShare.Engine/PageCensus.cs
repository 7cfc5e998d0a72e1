using System.Buffers;
using System.Collections;
using PageShare.Content;
using PageShare.Memory;
using PageShare.Merge;
using PageShare.PageTable;
using PageShare.Platform;
using PageShare.Scan;

namespace PageShare;

/// <summary>What the pages of one guest are, counted one by one.</summary>
/// <remarks>Guard: the engine's lock.</remarks>
internal sealed class PageCensus
{
    private readonly byte[] _resident = new byte[ChunkScan.Pages];
    private int _stablePasses;

    /// <summary>Populated pages: those with memory, and those that had it and share or are holes now.</summary>
    public long Populated { get; private set; }

    /// <summary>Pages that are holes, having been all zero.</summary>
    public long ZeroAbsent { get; private set; }

    /// <summary>Frames that this guest is the first to use, by the order in which guests are counted.</summary>
    public long FramesFirstUsed { get; private set; }

    /// <summary>Pages that use a frame.</summary>
    public long PagesOnFrames { get; private set; }

    /// <summary>Sum over these of 1/n, where n pages use the frame.</summary>
    public double FrameShares { get; private set; }

    /// <summary>Pages that are stable and have no equal.</summary>
    public long Unshared { get; private set; }

    /// <summary>Pages that changed when last looked at.</summary>
    public long Volatile { get; private set; }

    /// <summary>Kernel mode: copies that the kernel made and that have not been brought home.</summary>
    public long AnonymousCopies { get; private set; }

    /// <summary>
    /// Brings the books of a region up to date with what its guest did. To be done for all regions of a domain before
    /// the first of them is counted: how many pages use a frame must not change in between.
    /// </summary>
    public static void Reconcile(GuestRegion region, MergeTally totals)
    {
        for (var page = new PageNumber(0); page.Value < region.Pages; page++)
        {
            if (region.Records.KindOf(page) == PageKind.Sharing)
            {
                ChunkScan.Reconcile(region, page, totals);
            }
        }
    }

    /// <summary>Counts a region's pages, whose books are up to date.</summary>
    /// <param name="region">The region.</param>
    /// <param name="seen">Frames already counted for another guest; those met here are added.</param>
    /// <param name="totals">Where breaks that are found are counted.</param>
    /// <param name="stablePasses">Passes without a change after which a page is not volatile any more.</param>
    public static PageCensus Take(GuestRegion region, BitArray seen, MergeTally totals, int stablePasses)
    {
        var census = new PageCensus { _stablePasses = stablePasses, AnonymousCopies = CountCopies(region, totals) };
        for (var first = new PageNumber(0); first.Value < region.Pages; first += ChunkScan.Pages)
        {
            census.Count(region, first, (int)Math.Min(ChunkScan.Pages, region.Pages - first.Value), seen);
        }

        return census;
    }

    /// <summary>Kernel mode: asks the page table which pages were broken, and counts those that are new.</summary>
    /// <returns>The kernel's copies now, new or counted before.</returns>
    public static long CountCopies(GuestRegion region, MergeTally totals)
    {
        if (region.Copies is not { } copies)
        {
            return 0;
        }

        var words = Bitmap.WordsFor(region.Pages);
        var broken = ArrayPool<ulong>.Shared.Rent(words);
        try
        {
            Array.Clear(broken, 0, words);
            var found = region.Orders.FindCopies(new PageNumber(0), region.Pages, broken.AsSpan(0, words));
            if (found < 0 && region.Ring is not null)
            {
                return copies.Count; // its agent does not answer now: as last counted
            }

            Shim.Require(found, "asking the page table", $"guest '{region.Spec.Name}'");
            var counted = copies.CountNew(new PageNumber(0), broken.AsSpan(0, words));
            region.Tally.KernelBreaks += counted;
            totals.KernelBreaks += counted;
            return found;
        }
        finally
        {
            ArrayPool<ulong>.Shared.Return(broken);
        }
    }

    private void Count(GuestRegion region, PageNumber first, int count, BitArray seen)
    {
        var isResidencyKnown = false;
        for (var i = 0; i < count; i++)
        {
            var page = first + i;
            switch (region.Records.KindOf(page))
            {
                case PageKind.Sharing when Overlays.IsOverlaid(region, page):
                    // Has memory of its own, and keeps its part of a frame.
                    Populated++;
                    Volatile++;
                    FrameShares += 1.0 / region.Domain.Frames.Users(region.Records.FrameOf(page));
                    break;
                case PageKind.Sharing:
                    CountSharing(region, region.Records.FrameOf(page), seen);
                    break;
                case PageKind.Hashed:
                    Populated++;
                    _ = region.Records.StablePassesOf(page) >= _stablePasses ? Unshared++ : Volatile++;
                    break;
                case var kind:
                    if (!isResidencyKnown)
                    {
                        region.Backing.QueryResidency(first, _resident, count);
                        isResidencyKnown = true;
                    }

                    CountUnhashed(kind, isResident: (_resident[i] & 1) != 0);
                    break;
            }
        }
    }

    private void CountSharing(GuestRegion region, FrameNumber frame, BitArray seen)
    {
        Populated++;
        PagesOnFrames++;
        FrameShares += 1.0 / region.Domain.Frames.Users(frame);
        if (!seen[(int)frame.Value])
        {
            seen[(int)frame.Value] = true;
            FramesFirstUsed++;
        }
    }

    /// <summary>A hole that was read has memory again; a page never looked at counts once it has some.</summary>
    private void CountUnhashed(PageKind kind, bool isResident)
    {
        Populated += isResident || kind == PageKind.Zero ? 1 : 0;
        ZeroAbsent += !isResident && kind == PageKind.Zero ? 1 : 0;
    }
}

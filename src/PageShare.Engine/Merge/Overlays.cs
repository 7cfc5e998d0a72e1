using PageShare.Memory;
using PageShare.PageTable;

namespace PageShare.Merge;

/// <summary>
/// Kernel mode, when mappings are short: pages that were written in the middle of a run stay where they are.
/// </summary>
/// <remarks>
/// <para>The problem: a store to a shared page costs no mapping in Kernel mode, for the kernel's copy lies in the very
/// mapping that shows the frames around it. To bring it home cuts that mapping in three, though; where there are not
/// enough, the run or another one is unshared for it.</para>
/// <para>So a copy stays, as an overlay of its run, with fewer neighbours than a run must have to be worth a mapping:
/// to share something else they would get none either. A lone one stays also where all mappings are about to be used.
/// It costs what it would at home, and the frame under it if nobody else uses that: less than what two mappings save.
/// It is written without a fault, and shares nothing else meanwhile; each pass compares it with its frame alone, and
/// if they are equal again, it shares that again. It comes home when there is room, or with its run. To let longer
/// stretches stay for want of room was tried: they are what comes to share again, and real guests lost a tenth of
/// their saving.</para>
/// <para>The host cannot read the copies of another process, so they come home at once there.</para>
/// </remarks>
internal static class Overlays
{
    /// <summary>Most neighbours that stay, in pages: more are worth a cut.</summary>
    public const int LongestStretch = Bridges.LongestGap;

    /// <summary>Whether a page that uses a frame shows a copy over it, for all that is known.</summary>
    public static bool IsOverlaid(GuestRegion region, PageNumber page) =>
        region.Ring is null && !region.MapsSingly && region.Copies?.Contains(page) == true;

    /// <summary>Takes out of the kernel's copies those that stay.</summary>
    /// <param name="region">The guest's region, in Kernel mode.</param>
    /// <param name="first">First page.</param>
    /// <param name="count">How many pages.</param>
    /// <param name="copies">A bit a page; those are left that are to be brought home or dropped.</param>
    /// <returns>Whether any is left.</returns>
    public static bool TakeOut(GuestRegion region, PageNumber first, int count, Span<ulong> copies)
    {
        var mayStay = region.Ring is null && !region.MapsSingly;
        for (int i = 0, end, cuts = 0; i < count && mayStay; i = end)
        {
            end = i + 1;
            if (!Bitmap.Contains(copies, i))
            {
                continue;
            }

            while (end < count && Bitmap.Contains(copies, end) && GoesOn(region, first + end))
            {
                end++;
            }

            var isInside = GoesOn(region, first + i) && GoesOn(region, first + end);
            if (!isInside || end - i > LongestStretch || region.Budget.MayCut(end - i, cuts))
            {
                cuts += isInside ? 1 : 0;
                continue;
            }

            TakeOut(region, first, i, end, copies);
        }

        return copies.ContainsAnyExcept(0UL);
    }

    /// <summary>Whether one mapping shows the page and the one before, as frames in a row.</summary>
    private static bool GoesOn(GuestRegion region, PageNumber page)
    {
        if (page.Value == 0 || page.Value >= region.Pages)
        {
            return false;
        }

        var (before, word) = (region.Words.Read(page - 1), region.Words.Read(page));
        return PageStates.IsShared(before.State) && PageStates.IsShared(word.State) && word.Place == before.Place + 1;
    }

    /// <summary>All but those that equal their frames, as far as can be told while the guest may write.</summary>
    private static void TakeOut(GuestRegion region, PageNumber first, int from, int end, Span<ulong> copies)
    {
        for (var i = from; i < end; i++)
        {
            // By the records, since the guest may be giving the page up at this moment; its frame stays until they say so.
            var frame = region.Domain.Store.ReadFrame(region.Records.FrameOf(first + i));
            if (!region.Backing.ReadPage(first + i).SequenceEqual(frame))
            {
                copies[i / 64] &= ~(1UL << (i % 64));
            }
        }
    }
}

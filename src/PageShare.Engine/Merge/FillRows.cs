using PageShare.Content;
using PageShare.Memory;

namespace PageShare.Merge;

/// <summary>
/// When mappings are short: a content that many neighbouring pages have gets frames in a row, all of that content.
/// </summary>
/// <remarks>
/// <para>The problem: pages that all show one frame never join, so a stretch of one fill pattern (not zeros, which are
/// holes) takes a mapping for each page. A row of copies shows as many of them by one mapping as it has frames, and so
/// does the next stretch of that pattern in any guest: the index names the first frame, and whoever looks for the
/// content of the next page looks first at the frame behind the last one's.</para>
/// <para>The price: the copies. At most <see cref="MostCopies"/> frames a row; a row that proves too short is followed
/// by one at least twice as long, so that all rows of a content together are at most twice that. Frames without users
/// go as all others do. Guard: the engine's lock.</para>
/// </remarks>
internal sealed unsafe class FillRows(IPageHasher hasher)
{
    /// <summary>Most frames of a row: a mapping for 64 pages instead of one for each leaves next to nothing to
    /// gain.</summary>
    public const int MostCopies = 64;

    /// <summary>Fewest frames of a row: one this short costs as many as it saves mappings.</summary>
    public const int LeastCopies = 4;

    /// <summary>Plans stretches of equal pages: those that get a row of their own have targets then and are candidates no
    /// more, those for which there is one become candidates for its frames.</summary>
    /// <param name="region">The guest's region.</param>
    /// <param name="first">First page.</param>
    /// <param name="candidates">One a page.</param>
    /// <param name="plan">Gets targets and frames.</param>
    public void Plan(GuestRegion region, PageNumber first, Span<Candidate> candidates, MergePlan plan)
    {
        for (int i = 0, end; i < candidates.Length; i = end)
        {
            end = EndOfStretch(candidates, i);
            var stretch = candidates[i..end];
            var copies = Math.Min(stretch.Length, MostCopies);
            if (copies < LeastCopies || !region.Budget.MayShare(copies))
            {
                continue;
            }

            if (TryFindRow(region.Domain, stretch[0].Hash, out var row, out var length) && length * 2 > copies)
            {
                for (var k = 0; k < stretch.Length; k++)
                {
                    stretch[k] = stretch[k] with { Kind = CandidateKind.Frame, Id = (row + (k % length)).Value };
                }
            }
            else if (TryReserve(region.Budget, stretch.Length, copies, plan.Number)
                && TryMake(region, first + i, stretch[0].Hash, copies, plan, out row))
            {
                for (var k = 0; k < stretch.Length; k++)
                {
                    plan.SetTarget(i + k, (row + (k % copies)).Value, mayBeAlone: true);
                }

                stretch.Clear();
            }
        }
    }

    /// <summary>Where neighbours cease to have one content.</summary>
    public static int EndOfStretch(ReadOnlySpan<Candidate> candidates, int start)
    {
        var end = start + 1;
        while (end < candidates.Length && CanFollow(candidates[start]) && CanFollow(candidates[end])
            && candidates[end].Hash == candidates[start].Hash)
        {
            end++;
        }

        return end;
    }

    /// <summary>Sets mappings aside for a stretch: one for each time that the row is gone through, and one for what lies
    /// behind.</summary>
    public static bool TryReserve(MappingBudget budget, int pages, int copies, long plan)
    {
        var mappings = ((pages + copies - 1) / copies) + 1;
        budget.Offer(pages / mappings * 2);
        return budget.TryReserve(plan, copies, mappings);
    }

    private static bool CanFollow(in Candidate candidate) =>
        candidate is { Kind: CandidateKind.Frame or CandidateKind.Pair, IsReady: true };

    /// <summary>The row that the index names, if the content has a frame at all.</summary>
    private static bool TryFindRow(ShareDomain domain, uint hash, out FrameNumber row, out int length)
    {
        length = 0;
        row = default;
        if (!domain.Index.TryFind(hash, out var found) || !found.IsFrame)
        {
            return false;
        }

        row = found.Frame;
        while (length < MostCopies && domain.Frames.TryGetHash(row + length, out var next) && next == hash)
        {
            length++;
        }

        return true;
    }

    /// <summary>Makes a row out of the stretch's own pages. False if there is no memory, or one of them has
    /// changed.</summary>
    private bool TryMake(
        GuestRegion region, PageNumber first, uint hash, int copies, MergePlan plan, out FrameNumber row)
    {
        // SAFETY: the stretch's pages lie in the backing, whose view outlives the call, and are not fewer than copies.
        // They may change meanwhile: what the frames hold is compared below, and with each page under seal.
        var domain = region.Domain;
        row = domain.Store.Allocate(copies, out var count);
        if (count < copies
            || !domain.Index.TryFind(hash, out var found)
            || !domain.Store.TryFill(row, region.Backing.PageAt(first), copies)
            || !Holds(domain.Store, row, copies, hash, region.Ring is not null))
        {
            if (count > 0)
            {
                domain.Store.Free(row, count);
            }

            return false;
        }

        for (var i = 0; i < copies; i++)
        {
            domain.Frames.Create(row + i, hash);
            plan.AddFrame(row + i);
        }

        domain.Supersede(hash, found, ContentRef.Of(row));
        return true;
    }

    /// <summary>Whether all frames are equal; of a guest in another process, which may change a page on purpose, also
    /// whether they are what was hashed.</summary>
    private bool Holds(FrameStore store, FrameNumber row, int copies, uint hash, bool mustHash)
    {
        for (var i = 1; i < copies; i++)
        {
            if (!store.ReadFrame(row + i).SequenceEqual(store.ReadFrame(row)))
            {
                return false;
            }
        }

        return !mustHash || hasher.Hash(store.ReadFrame(row)) == hash;
    }
}

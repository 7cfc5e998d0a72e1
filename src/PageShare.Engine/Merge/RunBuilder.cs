using PageShare.Content;
using PageShare.Memory;
using PageShare.PageTable;
using PageShare.Platform;

namespace PageShare.Merge;

/// <summary>
/// Turns proposals for single pages into runs, decides which are worth their mapping, and makes the frames that new
/// pairs share.
/// </summary>
/// <remarks>
/// New frames are laid out in the order of the guest's pages, so that another guest with the same run, a file in its
/// page cache say, needs one mapping for it. Guard: the engine's lock.
/// </remarks>
internal sealed unsafe class RunBuilder(EngineOptions options, IPageHasher hasher)
{
    /// <summary>A run cuts the mapping that it lies in in two.</summary>
    private const int MappingsPerRun = 2;

    private readonly FillRows _fills = new(hasher);

    /// <summary>Fills <paramref name="plan"/> for the stretch of pages that the candidates describe.</summary>
    /// <param name="region">The guest's region.</param>
    /// <param name="first">First page.</param>
    /// <param name="candidates">One a page. Where mappings are short, they are changed to what pages become
    /// instead.</param>
    /// <param name="plan">Is begun anew.</param>
    public void Build(GuestRegion region, PageNumber first, Span<Candidate> candidates, MergePlan plan)
    {
        plan.Clear(candidates.Length);
        var isShort = region.Budget.IsShort && !region.MapsSingly;
        if (isShort)
        {
            _fills.Plan(region, first, candidates, plan);
        }

        var bridges = isShort && region.Domain.MayBridge;
        for (int i = 0, end; i < candidates.Length; i = end)
        {
            end = i + 1;
            if (candidates[i].Kind == CandidateKind.None)
            {
                continue;
            }

            var isCut = region.MapsSingly && candidates[i].Kind != CandidateKind.Zero;
            while (end < candidates.Length && !isCut && candidates[end].Continues(candidates[end - 1]))
            {
                end++;
            }

            if (bridges && candidates[i].Kind != CandidateKind.Zero)
            {
                PlanForBridging(region, first, i, candidates[i..end], plan);
                continue;
            }

            Plan(region, first, i, candidates[i..end], plan);
        }

        if (bridges)
        {
            LayOut(region, first, candidates, plan);
        }
    }

    private void Plan(GuestRegion region, PageNumber first, int index, ReadOnlySpan<Candidate> run, MergePlan plan)
    {
        switch (run[0].Kind)
        {
            case CandidateKind.Zero:
                // Holes need no mapping of their own.
                for (var i = 0; i < run.Length; i++)
                {
                    plan.SetTarget(index + i, Shim.TargetZero);
                }

                break;
            case CandidateKind.Frame:
                PlanFrames(region, first, index, run, plan);
                break;
            case CandidateKind.Pair:
                PlanPairs(region, first, index, run, plan);
                break;
        }
    }

    private static void PlanFrames(GuestRegion region, PageNumber first, int index, ReadOnlySpan<Candidate> run, MergePlan plan)
    {
        var budget = region.Budget;
        budget.Offer(run.Length, run[0].IsReady);
        if (!run[0].IsReady || (!ExtendsSharedRun(region, first + index, run)
            && !budget.TryReserve(plan.Number, run.Length, MappingsPerRun)))
        {
            return;
        }

        for (var i = 0; i < run.Length; i++)
        {
            plan.SetTarget(index + i, run[i].Id);
        }
    }

    /// <summary>Whether the run goes on from, or into, one that is shared already: then it needs no mapping
    /// more.</summary>
    private static bool ExtendsSharedRun(GuestRegion region, PageNumber page, ReadOnlySpan<Candidate> run)
    {
        var after = page + run.Length;
        return !region.MapsSingly
            && ((page.Value > 0 && run[0].Id > 0 && Shows(region, page - 1, run[0].Id - 1))
                || (after.Value < region.Pages && Shows(region, after, run[^1].Id + 1)));
    }

    private static bool Shows(GuestRegion region, PageNumber page, uint frame)
    {
        var word = region.Words.Read(page);
        return PageStates.IsShared(word.State) && word.Frame.Value == frame && word.Generation == region.Generation;
    }

    private void PlanPairs(GuestRegion region, PageNumber first, int index, ReadOnlySpan<Candidate> run, MergePlan plan)
    {
        // The others may lie scattered, and then every part of them needs a mapping too.
        var parts = 0;
        for (var i = 0; i < run.Length; i = EndOfPart(run, i))
        {
            parts++;
        }

        var length = run.Length / parts;
        region.Budget.Offer(run.Length, run[0].IsReady);
        OfferParts(region, run);

        if (!run[0].IsReady)
        {
            return;
        }

        // As many parts as there is room for.
        for (int i = 0, end; i < run.Length; i = Math.Max(end, EndOfPart(run, i)))
        {
            end = i;
            while (end < run.Length && TryReserve(region, run[end], length, isFirst: end == i, plan))
            {
                end = EndOfPart(run, end);
            }

            MakeFrames(region, first, index + i, run[i..end], isRow: false, plan);
        }
    }

    private static void OfferParts(GuestRegion region, ReadOnlySpan<Candidate> run)
    {
        for (int i = 0, end; i < run.Length; i = end)
        {
            end = EndOfPart(run, i);
            BudgetOfPart(region, run[i]).Offer(end - i, run[i].IsReady);
        }
    }

    /// <summary>
    /// When mappings are short: shares a run of frames that is worth a mapping, and of pairs leaves the parts that are.
    /// What is too short for one may be bridged.
    /// </summary>
    private static void PlanForBridging(
        GuestRegion region, PageNumber first, int index, Span<Candidate> run, MergePlan plan)
    {
        if (run[0].Kind == CandidateKind.Frame)
        {
            PlanFrames(region, first, index, run, plan);
            if (!region.Budget.MayShare(run.Length) && plan.Targets[index] == Shim.TargetNone)
            {
                run.Clear();
            }

            return;
        }

        for (int i = 0, end; i < run.Length; i = end)
        {
            end = EndOfPart(run, i);
            var others = BudgetOfPart(region, run[i]);
            if (!run[i].IsReady)
            {
                region.Budget.Offer(end - i, isReady: false);
                others.Offer(end - i, isReady: false);
            }
            else if (!others.MayShare(end - i))
            {
                others.Offer(end - i);
                run[i..end].Clear();
            }
        }
    }

    /// <summary>Makes frames in rows for pairs and for what lies between: see <see cref="Bridges"/>.</summary>
    private void LayOut(GuestRegion region, PageNumber first, Span<Candidate> candidates, MergePlan plan)
    {
        for (var i = 0; i < candidates.Length; i++)
        {
            if (candidates[i].Kind == CandidateKind.None && plan.Targets[i] == Shim.TargetNone
                && TryBridge(region, first + i, out var hash))
            {
                candidates[i] = new Candidate(CandidateKind.Bridge, 0, hash, IsReady: true);
            }
        }

        for (var from = 0; Bridges.TryFind(candidates, from, out var start, out from);)
        {
            var row = candidates[start..from];
            if (TryReserveRow(region, row, plan))
            {
                region.Domain.HasBridges = true;
                MakeFrames(region, first, start, row, isRow: true, plan);
            }
        }
    }

    /// <summary>Whether the page has proved stable and has not been broken of late.</summary>
    private bool TryBridge(GuestRegion region, PageNumber page, out uint hash) =>
        region.Records.TryGetHash(page, out hash)
        && region.Records.StablePassesOf(page) >= options.StablePasses
        && region.Records.BackOffLevelOf(page) == 0
        && region.Words.Read(page) == PageWord.Private;

    /// <summary>
    /// Sets mappings aside for a row, and for each of its parts where the other pages are. A part for which there are
    /// none is bridged.
    /// </summary>
    private static bool TryReserveRow(GuestRegion region, Span<Candidate> row, MergePlan plan)
    {
        var (parts, shared, budget) = (0, 0, region.Budget);
        for (int i = 0, end; i < row.Length; i = end)
        {
            end = EndOfPart(row, i);
            if (row[i].Kind == CandidateKind.Pair)
            {
                shared += end - i;
                parts++;
                budget = BudgetOfPart(region, row[i]);
            }
        }

        // A lone part has to pay for the row as well: where both take mappings of one budget, each is worth half.
        var isLone = parts == 1 && budget == region.Budget;
        var rowWorth = isLone ? (shared + 1) / 2 : shared;
        region.Budget.Offer(rowWorth);
        var hasRow = region.Budget.TryReserve(plan.Number, rowWorth, MappingsPerRun);
        var hasParts = false;
        for (int i = 0, end; i < row.Length; i = end)
        {
            end = EndOfPart(row, i);
            if (row[i].Kind != CandidateKind.Pair)
            {
                continue;
            }

            var worth = isLone ? rowWorth : end - i;
            budget = BudgetOfPart(region, row[i]);
            budget.Offer(worth);
            var isReserved = hasRow && budget.TryReserve(plan.Number, worth, MappingsPerRun);
            hasParts |= isReserved;
            for (var k = i; k < end && !isReserved; k++)
            {
                row[k] = row[k] with { Kind = CandidateKind.Bridge };
            }
        }

        return hasParts;
    }

    /// <summary>
    /// Sets mappings aside for a part: its own in the process of the other pages, and with the first part those of the
    /// whole run.
    /// </summary>
    private static bool TryReserve(GuestRegion region, Candidate part, int length, bool isFirst, MergePlan plan)
    {
        var others = BudgetOfPart(region, part);
        return others == region.Budget
            ? others.TryReserve(plan.Number, length, isFirst ? 2 * MappingsPerRun : MappingsPerRun)
            : others.TryReserve(plan.Number, length, MappingsPerRun)
                && (!isFirst || region.Budget.TryReserve(plan.Number, length, MappingsPerRun));
    }

    private static MappingBudget BudgetOfPart(GuestRegion region, Candidate part) =>
        region.Domain.TryResolve(part.Id, out var other, out _) ? other.Budget : region.Budget;

    /// <summary>Where the pages that the run's pages from here on are paired with cease to be neighbours.</summary>
    private static int EndOfPart(ReadOnlySpan<Candidate> run, int start)
    {
        var end = start + 1;
        while (end < run.Length && run[end].Kind == run[start].Kind && run[end].Id == run[end - 1].Id + 1)
        {
            end++;
        }

        return end;
    }

    /// <summary>Makes frames for the run's contents, in as few pieces of the store as it has room for.</summary>
    private void MakeFrames(
        GuestRegion region, PageNumber first, int index, ReadOnlySpan<Candidate> run, bool isRow, MergePlan plan)
    {
        var store = region.Domain.Store;
        for (int i = 0, count; i < run.Length; i += count)
        {
            var extent = store.Allocate(run.Length - i, out count);
            if (count == 0)
            {
                return; // the store is full
            }

            var used = 0;
            try
            {
                // The bytes as they are now, all with one call. Merging compares them under seal, with either page.
                if (!store.TryFill(extent, region.Backing.PageAt(first + (index + i)), count))
                {
                    return; // no memory
                }

                for (; used < count; used++)
                {
                    var (frame, candidate, at) = (extent + used, run[i + used], index + i + used);
                    var isUsed = HoldsWhatWasHashed(region, frame, candidate.Hash)
                        && (isRow
                            ? Bridges.UseFrame(region, at, frame, candidate, plan)
                            : TryUseFrame(region, first, at, frame, candidate.Hash, plan));
                    if (!isUsed)
                    {
                        store.Free(frame, 1);
                    }
                }
            }
            finally
            {
                if (used < count)
                {
                    store.Free(extent + used, count - used);
                }
            }
        }
    }

    /// <summary>
    /// Whether the frame is worth a place in the index. A guest in another process may change a page on purpose between
    /// the hash and the copy: the frame would stand in the way of all others who have what was hashed.
    /// </summary>
    private bool HoldsWhatWasHashed(GuestRegion region, FrameNumber frame, uint hash) =>
        region.Ring is null || hasher.Hash(region.Domain.Store.ReadFrame(frame)) == hash;

    /// <summary>
    /// Enters a filled frame in the index in place of the hint. False if it isn't needed: an equal page of the same
    /// stretch has just had one made, or the other page is gone.
    /// </summary>
    private static bool TryUseFrame(
        GuestRegion region, PageNumber first, int index, FrameNumber frame, uint hash, MergePlan plan)
    {
        var domain = region.Domain;
        if (!domain.Index.TryFind(hash, out var found))
        {
            return false;
        }

        if (found.IsFrame)
        {
            plan.SetTarget(index, found.Id);
            return false;
        }

        if (!domain.TryResolve(found.Id, out var otherRegion, out var otherPage)
            || (otherRegion == region && otherPage == first + index)
            || !otherRegion.CanShare)
        {
            return false;
        }

        domain.Frames.Create(frame, hash);
        domain.Supersede(hash, found, ContentRef.Of(frame));
        plan.SetTarget(index, frame.Value);
        plan.AddFrame(frame);
        plan.AddPartner(otherRegion, otherPage, frame);
        return true;
    }
}

using PageShare.Content;
using PageShare.Memory;
using PageShare.Platform;

namespace PageShare.Merge;

/// <summary>Carries plans out: gives the shim its merge orders, and enters what became of each page.</summary>
/// <remarks>
/// The shim alone decides by comparing under seal; here are only the books. Guard: the engine's lock.
/// </remarks>
internal sealed unsafe class Merger(IPageHasher hasher, MappingBudget budget)
{
    private readonly MergeResult[] _results = new MergeResult[Shim.OrderPages];
    private readonly uint[] _partnerTargets = new uint[Shim.OrderPages];

    /// <summary>
    /// Merges a stretch of pages, and before that the pages elsewhere that shall share its new frames: where such a
    /// page turns out to be another, the frame would have one user and save nothing.
    /// </summary>
    public void Execute(GuestRegion region, PageNumber first, int count, MergePlan plan, MergeTally pass)
    {
        if (!plan.HasTargets)
        {
            return;
        }

        var targets = plan.Targets.AsSpan(0, count);
        var partners = plan.SortedPartners();
        OrderPartners(partners, pass);
        DropFramesWithoutUsers(region, first, targets);
        Order(region, first, targets, pass);
        foreach (var partner in partners)
        {
            UnshareIfLonely(partner.Region, partner.Page, partner.Frame, pass);
        }

    }

    /// <summary>Ends the creation of a plan's frames, carried out or not: those without users are freed.</summary>
    public static void FinishFrames(ShareDomain domain, MergePlan plan)
    {
        foreach (var frame in plan.NewFrames)
        {
            domain.FinishCreation(frame);
        }

        plan.ForgetFrames();
    }

    /// <summary>Takes targets away that nobody shares, and tries these pages less often from now on.</summary>
    private static void DropFramesWithoutUsers(GuestRegion region, PageNumber first, Span<uint> targets)
    {
        for (var i = 0; i < targets.Length; i++)
        {
            if (targets[i] < Shim.TargetZero && region.Domain.Frames.Users(new FrameNumber(targets[i])) == 0)
            {
                targets[i] = Shim.TargetNone;
                region.Records.RaiseBackOff(first + i);
            }
        }
    }

    /// <summary>
    /// A new frame that only the partner came to share, the page itself having been written meanwhile, saves nothing:
    /// the partner gets its own copy back, and nothing was merged.
    /// </summary>
    private void UnshareIfLonely(GuestRegion region, PageNumber page, FrameNumber frame, MergeTally pass)
    {
        if (region.Records.KindOf(page) != PageKind.Sharing
            || region.Records.FrameOf(page) != frame
            || region.Domain.Frames.Users(frame) > 1
            || Shim.TryBreak(region.Handle, (ulong)page.Value, 1) < 0)
        {
            return; // without memory for a copy it stays as it is
        }

        region.Domain.Release(frame);
        region.Records.SetPrivate(page);
        region.Records.RaiseBackOff(page);
        region.Written.MarkUnsettled(page);
        region.Tally.Merges--;
        pass.Merges--;
        region.Tally.Abandoned++;
        pass.Abandoned++;
        budget.Recount(region, page);
    }

    /// <summary>Groups the partners by the stretch of their region that they lie in: one order each.</summary>
    private void OrderPartners(ReadOnlySpan<MergePlan.Partner> partners, MergeTally pass)
    {
        for (int i = 0, end; i < partners.Length; i = end)
        {
            var region = partners[i].Region;
            var stretch = partners[i].Page.Value / Shim.OrderPages;
            var first = new PageNumber(stretch * Shim.OrderPages);
            var count = (int)Math.Min(Shim.OrderPages, region.Pages - first.Value);
            var targets = _partnerTargets.AsSpan(0, count);
            targets.Fill(Shim.TargetNone);
            for (end = i; end < partners.Length && partners[end].Region == region
                && partners[end].Page.Value / Shim.OrderPages == stretch; end++)
            {
                targets[(int)(partners[end].Page - first)] = partners[end].Frame.Value;
            }

            Order(region, first, targets, pass);
        }
    }

    private void Order(GuestRegion region, PageNumber first, ReadOnlySpan<uint> targets, MergeTally pass)
    {
        var results = _results.AsSpan(0, targets.Length);

        // SAFETY: both arrays hold one element a page, and the shim uses them during the call only.
        fixed (uint* targetsPointer = targets)
        fixed (MergeResult* resultsPointer = results)
        {
            var error = Shim.Merge(
                region.Handle, (ulong)first.Value, (uint)targets.Length, targetsPointer, resultsPointer);
            Shim.Require(error, "merging", $"{targets.Length} pages from {first} of guest '{region.Spec.Name}'");
        }

        for (var i = 0; i < targets.Length; i++)
        {
            if (results[i] != MergeResult.Skipped)
            {
                Enter(region, first + i, targets[i], results[i], pass);
            }
        }

        budget.Recount(region, first);
    }

    private void Enter(GuestRegion region, PageNumber page, uint target, MergeResult result, MergeTally pass)
    {
        switch (result)
        {
            case MergeResult.Done when target == Shim.TargetZero:
                region.Records.SetZero(page);
                region.Written.MarkHole(page);
                region.Tally.ZeroPagesFreed++;
                pass.ZeroPagesFreed++;
                break;
            case MergeResult.Done:
                region.Domain.Frames.AddUser(new FrameNumber(target));
                region.Records.SetSharing(page, new FrameNumber(target));
                region.Copies?.Clear(page); // its next break is a new one
                region.Tally.Merges++;
                pass.Merges++;
                break;
            default:
                region.Written.MarkUnsettled(page);
                region.Tally.Abandoned++;
                pass.Abandoned++;
                if (result == MergeResult.Differs && target != Shim.TargetZero)
                {
                    CheckForCollision(region, page, new FrameNumber(target), pass);
                }

                break;
        }
    }

    /// <summary>
    /// A page that differs from the frame was written since it was hashed, or the page that the frame was made of was,
    /// or the two have the same hash and another content. The latter stays so, and is tried less and less often.
    /// </summary>
    private void CheckForCollision(GuestRegion region, PageNumber page, FrameNumber frame, MergeTally pass)
    {
        if (hasher.Hash(region.Backing.ReadPage(page)) == hasher.Hash(region.Domain.Store.ReadFrame(frame)))
        {
            region.Records.RaiseBackOff(page);
            region.Tally.HashCollisions++;
            pass.HashCollisions++;
        }
    }
}

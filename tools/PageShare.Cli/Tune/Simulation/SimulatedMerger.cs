using PageShare.Memory;
using PageShare.Content;
using PageShare.Merge;

namespace PageShare.Cli.Tune.Simulation;

/// <summary>Carries plans out: what the engine's Merger and the shim do, with the books alone.</summary>
/// <param name="budget">The engine's own.</param>
/// <param name="work">Counts what is done.</param>
/// <param name="guests">All guests.</param>
internal sealed class SimulatedMerger(MappingBudget budget, ScanWork work, SimulatedGuests guests)
{
    // Most pages that the shim seals at a time.
    private const int SealPages = 160;

    private readonly uint[] _partnerTargets = new uint[SimulatedRegion.StretchPages];

    /// <summary>Merges a stretch, and before that the pages elsewhere that shall share its new frames.</summary>
    public void Execute(SimulatedRegion region, int first, int count, SimulatedPlan plan)
    {
        Span<uint> targets = plan.Targets.AsSpan(0, count);
        if (targets.ContainsAnyExcept(SimulatedPlan.None))
        {
            plan.Partners.Sort((left, right) => left.Page.CompareTo(right.Page));
            OrderPartners(plan);
            if (!plan.HasBridges)
            {
                DropFramesWithoutUsers(region, first, targets);
            }

            Order(region, first, targets);
            plan.Partners.ForEach(partner => UnshareIfLonely(partner.Page, partner.Frame));
        }

        plan.NewFrames.ForEach(guests.Domain.FinishCreation);
    }

    private void OrderPartners(SimulatedPlan plan)
    {
        for (int i = 0, end; i < plan.Partners.Count; i = end)
        {
            (SimulatedRegion region, int page) = guests.Resolve(plan.Partners[i].Page);
            int first = page / SimulatedRegion.StretchPages * SimulatedRegion.StretchPages;
            int count = Math.Min(SimulatedRegion.StretchPages, region.Pages - first);
            uint behind = region.FirstPageId + (uint)(first + count);
            Span<uint> targets = _partnerTargets.AsSpan(0, count);
            targets.Fill(SimulatedPlan.None);
            for (end = i; end < plan.Partners.Count && plan.Partners[end].Page < behind; end++)
            {
                (uint id, FrameNumber frame) = plan.Partners[end];
                targets[(int)(id - region.FirstPageId) - first] = frame.Value;
            }

            Order(region, first, targets);
        }
    }

    private void DropFramesWithoutUsers(SimulatedRegion region, int first, Span<uint> targets)
    {
        for (int i = 0; i < targets.Length; i++)
        {
            if (targets[i] < SimulatedPlan.Zero && guests.Domain.Frames.Users(new FrameNumber(targets[i])) == 0)
            {
                targets[i] = SimulatedPlan.None;
                region.Records.RaiseBackOff(new PageNumber(first + i));
            }
        }
    }

    private void Order(SimulatedRegion region, int first, ReadOnlySpan<uint> targets)
    {
        work.Add(ScanTask.Order);
        uint before = SimulatedPlan.None;
        for (int i = 0, inSeal = 0; i < targets.Length; before = targets[i++])
        {
            uint target = targets[i];
            if (target == SimulatedPlan.None || region.KindOf(first + i) == PageKind.Sharing)
            {
                inSeal = 0;
                continue;
            }

            work.Add(ScanTask.Seal, inSeal == 0 ? 1 : 0);
            bool isZero = target == SimulatedPlan.Zero;
            bool goesOn = inSeal > 0 && (isZero ? before == target : before < SimulatedPlan.Zero && target == before + 1);
            work.Add(isZero ? ScanTask.Zero : ScanTask.Merge);
            work.Add(isZero ? ScanTask.ZeroRun : ScanTask.MergeRun, goesOn ? 0 : 1);
            inSeal = (inSeal + 1) % SealPages;
            Enter(region, first + i, target);
        }

        region.Recount(first, budget);
    }

    private void Enter(SimulatedRegion region, int page, uint target)
    {
        var frame = new FrameNumber(target);
        int wanted = target == SimulatedPlan.Zero ? 0 : guests.Domain.ContentOf(frame);
        if (region.ContentOf(page) != wanted)
        {
            // Written since it was looked at.
            region.Written.MarkUnsettled(new PageNumber(page));
            return;
        }

        guests.Changes++;
        if (target == SimulatedPlan.Zero)
        {
            region.BecomeHole(page);
        }
        else
        {
            guests.Domain.Frames.AddUser(frame);
            region.BecomeSharing(page, frame);
        }
    }

    private void UnshareIfLonely(uint id, FrameNumber frame)
    {
        (SimulatedRegion region, int page) = guests.Resolve(id);
        if (region.KindOf(page) == PageKind.Sharing && region.Records.FrameOf(new PageNumber(page)) == frame
            && guests.Domain.Frames.Users(frame) == 1)
        {
            guests.Domain.Release(frame);
            region.BecomePrivate(page);
            region.Written.MarkUnsettled(new PageNumber(page));
            region.Recount(page, budget);
            guests.Changes--; // nothing was merged after all
            work.Add(ScanTask.Unshare);
            work.Add(ScanTask.UnsharePage);
        }
    }
}

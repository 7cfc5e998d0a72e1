using PageShare.Memory;
using PageShare.Content;
using PageShare.Merge;

namespace PageShare.Cli.Tune.Simulation;

/// <summary>Carries plans out: what the engine's Merger and the shim do, with the books alone.</summary>
/// <param name="budget">The engine's own.</param>
/// <param name="costs">What merging costs.</param>
/// <param name="guests">All guests.</param>
internal sealed class SimulatedMerger(MappingBudget budget, Costs costs, SimulatedGuests guests)
{
    private readonly uint[] _partnerTargets = new uint[SimulatedRegion.StretchPages];
    private double _spent;

    /// <summary>Merges a stretch, and before that the pages elsewhere that shall share its new frames.</summary>
    /// <returns>What it cost, in nanoseconds.</returns>
    public double Execute(SimulatedRegion region, int first, int count, SimulatedPlan plan)
    {
        _spent = 0;
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
        return _spent;
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
        uint before = SimulatedPlan.None;
        for (int i = 0; i < targets.Length; before = targets[i++])
        {
            uint target = targets[i];
            if (target == SimulatedPlan.None || region.KindOf(first + i) == PageKind.Sharing)
            {
                continue;
            }

            bool goesOn = target == SimulatedPlan.Zero
                ? before == target
                : before < SimulatedPlan.Zero && target == before + 1;
            _spent += target == SimulatedPlan.Zero
                ? costs.Zero + (goesOn ? 0 : costs.ZeroRun)
                : costs.Merge + (goesOn ? 0 : costs.MergeRun);
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
            region.MarkUnsettled(page);
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
            region.MarkUnsettled(page);
            region.Recount(page, budget);
        }
    }
}

using PageShare.Content;
using PageShare.Memory;
using PageShare.Merge;

namespace PageShare.Cli.Tune.Simulation;

/// <summary>
/// Turns proposals into runs and makes frames for new pairs: what the engine's RunBuilder does, with its budget.
/// </summary>
/// <param name="options">The engine's settings.</param>
/// <param name="budget">The engine's own.</param>
/// <param name="work">Counts what is done.</param>
/// <param name="guests">All guests.</param>
internal sealed class SimulatedRuns(
    EngineOptions options, MappingBudget budget, ScanWork work, SimulatedGuests guests)
{
    /// <summary>A run cuts the mapping that it lies in in two.</summary>
    private const int MappingsPerRun = 2;

    private readonly SimulatedFills _fills = new(budget, work, guests);

    /// <summary>Fills a plan for the stretch of pages that the candidates describe.</summary>
    public void Build(SimulatedRegion region, int first, Span<Candidate> candidates, SimulatedPlan plan)
    {
        plan.Clear();
        plan.HasBridges = budget.IsShort;
        if (plan.HasBridges)
        {
            _fills.Plan(region, first, candidates, plan);
        }

        for (int i = 0, end; i < candidates.Length; i = end)
        {
            for (end = i + 1; end < candidates.Length && candidates[i].Kind != CandidateKind.None
                && candidates[end].Continues(candidates[end - 1]); end++)
            {
                // As far as the run goes.
            }

            Span<Candidate> run = candidates[i..end];
            switch (run[0].Kind)
            {
                case CandidateKind.Zero:
                    plan.Targets.AsSpan(i, run.Length).Fill(SimulatedPlan.Zero);
                    break;
                case CandidateKind.Frame or CandidateKind.Pair when plan.HasBridges:
                    PlanForBridging(region, first, i, run, plan);
                    break;
                case CandidateKind.Frame:
                    PlanFrames(region, first, i, run, plan);
                    break;
                case CandidateKind.Pair:
                    PlanPairs(region, first, i, run, plan);
                    break;
            }
        }

        if (plan.HasBridges)
        {
            LayOut(region, first, candidates, plan);
        }
    }

    private void PlanFrames(
        SimulatedRegion region, int first, int index, ReadOnlySpan<Candidate> run, SimulatedPlan plan)
    {
        budget.Offer(run.Length, run[0].IsReady);
        int page = first + index;
        bool extends = (page > 0 && run[0].Id > 0 && Shows(region, page - 1, run[0].Id - 1))
            || (page + run.Length < region.Pages && Shows(region, page + run.Length, run[^1].Id + 1));
        if (!run[0].IsReady || (!extends && !budget.TryReserve(plan.Number, run.Length, MappingsPerRun)))
        {
            return;
        }

        for (int i = 0; i < run.Length; i++)
        {
            plan.Targets[index + i] = run[i].Id;
        }
    }

    private void PlanPairs(
        SimulatedRegion region, int first, int index, ReadOnlySpan<Candidate> run, SimulatedPlan plan)
    {
        int parts = 0;
        for (int i = 0; i < run.Length; i = EndOfPart(run, i))
        {
            parts++;
        }

        int length = run.Length / parts;
        budget.Offer(run.Length, run[0].IsReady);
        OfferParts(run);
        for (int i = 0, end; i < run.Length && run[0].IsReady; i = Math.Max(end, EndOfPart(run, i)))
        {
            end = i;
            while (end < run.Length
                && budget.TryReserve(plan.Number, length, end == i ? 2 * MappingsPerRun : MappingsPerRun))
            {
                end = EndOfPart(run, end);
            }

            MakeFrames(region, first, index + i, run[i..end], plan);
        }
    }

    private void OfferParts(ReadOnlySpan<Candidate> run)
    {
        for (int i = 0, end; i < run.Length; i = end)
        {
            end = EndOfPart(run, i);
            budget.Offer(end - i, run[i].IsReady);
        }
    }

    /// <summary>When mappings are short: what is too short for one may be bridged.</summary>
    private void PlanForBridging(SimulatedRegion region, int first, int index, Span<Candidate> run, SimulatedPlan plan)
    {
        if (run[0].Kind == CandidateKind.Frame)
        {
            PlanFrames(region, first, index, run, plan);
            if (!budget.MayShare(run.Length) && plan.Targets[index] == SimulatedPlan.None)
            {
                run.Clear();
            }

            return;
        }

        for (int i = 0, end; i < run.Length; i = end)
        {
            end = EndOfPart(run, i);
            if (!run[i].IsReady)
            {
                budget.Offer(end - i, isReady: false);
                budget.Offer(end - i, isReady: false);
            }
            else if (!budget.MayShare(end - i))
            {
                budget.Offer(end - i);
                run[i..end].Clear();
            }
        }
    }

    private void LayOut(SimulatedRegion region, int first, Span<Candidate> candidates, SimulatedPlan plan)
    {
        for (int i = 0; i < candidates.Length; i++)
        {
            if (candidates[i].Kind == CandidateKind.None
                && plan.Targets[i] == SimulatedPlan.None
                && TryBridge(region, first + i, out uint hash))
            {
                candidates[i] = new Candidate(CandidateKind.Bridge, 0, hash, IsReady: true);
            }
        }

        for (int from = 0; Bridges.TryFind(candidates, from, out int start, out from);)
        {
            Span<Candidate> row = candidates[start..from];
            if (TryReserveRow(row, plan))
            {
                MakeFrames(region, first, start, row, plan);
            }
        }
    }

    private bool TryBridge(SimulatedRegion region, int number, out uint hash)
    {
        var page = new PageNumber(number);
        return region.Records.TryGetHash(page, out hash)
            && region.Records.StablePassesOf(page) >= options.StablePasses
            && region.Records.BackOffLevelOf(page) == 0;
    }

    private bool TryReserveRow(Span<Candidate> row, SimulatedPlan plan)
    {
        int parts = 0;
        int shared = 0;
        for (int i = 0, end; i < row.Length; i = end)
        {
            end = EndOfPart(row, i);
            shared += row[i].Kind == CandidateKind.Pair ? end - i : 0;
            parts += row[i].Kind == CandidateKind.Pair ? 1 : 0;
        }

        int rowWorth = parts == 1 ? (shared + 1) / 2 : shared;
        budget.Offer(rowWorth);
        bool hasRow = budget.TryReserve(plan.Number, rowWorth, MappingsPerRun);
        bool hasParts = false;
        for (int i = 0, end; i < row.Length; i = end)
        {
            end = EndOfPart(row, i);
            if (row[i].Kind != CandidateKind.Pair)
            {
                continue;
            }

            int worth = parts == 1 ? rowWorth : end - i;
            budget.Offer(worth);
            bool isReserved = hasRow && budget.TryReserve(plan.Number, worth, MappingsPerRun);
            hasParts |= isReserved;
            for (int k = i; k < end && !isReserved; k++)
            {
                row[k] = row[k] with { Kind = CandidateKind.Bridge };
            }
        }

        return hasParts;
    }

    private static int EndOfPart(ReadOnlySpan<Candidate> run, int start)
    {
        int end = start + 1;
        while (end < run.Length && run[end].Kind == run[start].Kind && run[end].Id == run[end - 1].Id + 1)
        {
            end++;
        }

        return end;
    }

    private static bool Shows(SimulatedRegion region, int page, uint frame) =>
        region.ShowsFrame(page) && region.Records.FrameOf(new PageNumber(page)).Value == frame;

    private void MakeFrames(
        SimulatedRegion region, int first, int index, ReadOnlySpan<Candidate> run, SimulatedPlan plan)
    {
        SimulatedDomain domain = guests.Domain;
        for (int i = 0, count; i < run.Length; i += count)
        {
            FrameNumber extent = domain.Allocator.Allocate(run.Length - i, out count);
            if (count == 0)
            {
                return;
            }

            work.Add(ScanTask.Fill, count);
            for (int used = 0; used < count; used++)
            {
                int page = first + index + i + used;
                var frame = new FrameNumber(extent.Value + (uint)used);
                domain.Fill(frame, region.ContentOf(page));
                if (!TryUseFrame(region, page, index + i + used, frame, run[i + used], plan))
                {
                    domain.Allocator.Free(frame, 1);
                }
            }
        }
    }

    private bool TryUseFrame(
        SimulatedRegion region, int page, int index, FrameNumber frame, in Candidate candidate, SimulatedPlan plan)
    {
        SimulatedDomain domain = guests.Domain;
        uint hash = candidate.Hash;
        bool isKnown = domain.TryFind(hash, out ContentRef found);
        if (plan.HasBridges)
        {
            UseInRow(index, frame, candidate, plan);
            if (isKnown && !found.IsFrame)
            {
                guests.Supersede(hash, ContentRef.Of(frame));
            }

            return true;
        }

        if (!isKnown)
        {
            return false;
        }

        if (found.IsFrame)
        {
            plan.Targets[index] = found.Id;
            return false;
        }

        (SimulatedRegion other, int otherPage) = guests.Resolve(found.Id);
        if (other == region && otherPage == page)
        {
            return false;
        }

        domain.Frames.Create(frame, hash);
        guests.Supersede(hash, ContentRef.Of(frame));
        plan.Targets[index] = frame.Value;
        plan.NewFrames.Add(frame);
        plan.Partners.Add((found.Id, frame));
        return true;
    }

    private void UseInRow(int index, FrameNumber frame, in Candidate candidate, SimulatedPlan plan)
    {
        guests.Domain.Frames.Create(frame, candidate.Hash);
        plan.Targets[index] = frame.Value;
        plan.NewFrames.Add(frame);
        if (candidate.Kind == CandidateKind.Pair)
        {
            plan.Partners.Add((candidate.Id, frame));
        }
    }
}

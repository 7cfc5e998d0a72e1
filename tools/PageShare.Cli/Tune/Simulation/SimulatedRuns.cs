using PageShare.Content;
using PageShare.Memory;
using PageShare.Merge;

namespace PageShare.Cli.Tune.Simulation;

/// <summary>
/// Turns proposals into runs and makes frames for new pairs: what the engine's RunBuilder does, with its budget.
/// </summary>
/// <param name="budget">The engine's own.</param>
/// <param name="costs">What filling frames costs.</param>
/// <param name="guests">All guests.</param>
internal sealed class SimulatedRuns(MappingBudget budget, Costs costs, SimulatedGuests guests)
{
    /// <summary>A run cuts the mapping that it lies in in two.</summary>
    private const int MappingsPerRun = 2;

    private double _spent;

    /// <summary>Fills a plan for the stretch of pages that the candidates describe.</summary>
    /// <returns>What it cost, in nanoseconds.</returns>
    public double Build(SimulatedRegion region, int first, ReadOnlySpan<Candidate> candidates, SimulatedPlan plan)
    {
        _spent = 0;
        plan.Clear();
        for (int i = 0, end; i < candidates.Length; i = end)
        {
            for (end = i + 1; end < candidates.Length && candidates[i].Kind != CandidateKind.None
                && candidates[end].Continues(candidates[end - 1]); end++)
            {
                // As far as the run goes.
            }

            ReadOnlySpan<Candidate> run = candidates[i..end];
            switch (run[0].Kind)
            {
                case CandidateKind.Zero:
                    plan.Targets.AsSpan(i, run.Length).Fill(SimulatedPlan.Zero);
                    break;
                case CandidateKind.Frame:
                    PlanFrames(region, first, i, run, plan);
                    break;
                case CandidateKind.Pair:
                    PlanPairs(region, first, i, run, plan);
                    break;
            }
        }

        return _spent;
    }

    private void PlanFrames(
        SimulatedRegion region, int first, int index, ReadOnlySpan<Candidate> run, SimulatedPlan plan)
    {
        budget.Offer(run.Length);
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
        budget.Offer(run.Length);
        for (int i = 0; i < parts; i++)
        {
            budget.Offer(length);
        }

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

    private static int EndOfPart(ReadOnlySpan<Candidate> run, int start)
    {
        int end = start + 1;
        while (end < run.Length && run[end].Id == run[end - 1].Id + 1)
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

            _spent += count * costs.Fill;
            for (int used = 0; used < count; used++)
            {
                int page = first + index + i + used;
                var frame = new FrameNumber(extent.Value + (uint)used);
                domain.Fill(frame, region.ContentOf(page));
                if (!TryUseFrame(region, page, index + i + used, frame, run[i + used].Hash, plan))
                {
                    domain.Allocator.Free(frame, 1);
                }
            }
        }
    }

    private bool TryUseFrame(
        SimulatedRegion region, int page, int index, FrameNumber frame, uint hash, SimulatedPlan plan)
    {
        SimulatedDomain domain = guests.Domain;
        if (!domain.TryFind(hash, out ContentRef found))
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
        domain.Set(hash, ContentRef.Of(frame));
        plan.Targets[index] = frame.Value;
        plan.NewFrames.Add(frame);
        plan.Partners.Add((found.Id, frame));
        return true;
    }
}

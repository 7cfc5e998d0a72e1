using PageShare.Content;
using PageShare.Memory;
using PageShare.Merge;

namespace PageShare.Cli.Tune.Simulation;

/// <summary>Stretches of equal pages when mappings are short: what the engine's FillRows does.</summary>
/// <param name="budget">The engine's own.</param>
/// <param name="work">Counts what is done.</param>
/// <param name="guests">All guests.</param>
internal sealed class SimulatedFills(MappingBudget budget, ScanWork work, SimulatedGuests guests)
{
    /// <summary>Plans the stretches among candidates.</summary>
    public void Plan(SimulatedRegion region, int first, Span<Candidate> candidates, SimulatedPlan plan)
    {
        SimulatedDomain domain = guests.Domain;
        for (int i = 0, end; i < candidates.Length; i = end)
        {
            end = FillRows.EndOfStretch(candidates, i);
            Span<Candidate> stretch = candidates[i..end];
            int copies = Math.Min(stretch.Length, FillRows.MostCopies);
            if (copies < FillRows.LeastCopies || !budget.MayShare(copies))
            {
                continue;
            }

            uint hash = stretch[0].Hash;
            (FrameNumber row, int length) = FindRow(hash);
            if (length * 2 > copies)
            {
                for (int k = 0; k < stretch.Length; k++)
                {
                    stretch[k] = stretch[k] with { Kind = CandidateKind.Frame, Id = (row + (k % length)).Value };
                }
            }
            else if (FillRows.TryReserve(budget, stretch.Length, copies, plan.Number))
            {
                row = domain.Allocator.Allocate(copies, out int count);
                if (count < copies)
                {
                    domain.Allocator.Free(row, count);
                    continue;
                }

                work.Add(ScanTask.Fill, copies);
                for (int k = 0; k < copies; k++)
                {
                    domain.Fill(row + k, region.ContentOf(first + i));
                    domain.Frames.Create(row + k, hash);
                    plan.NewFrames.Add(row + k);
                }

                guests.Supersede(hash, ContentRef.Of(row));
                for (int k = 0; k < stretch.Length; k++)
                {
                    plan.Targets[i + k] = (row + (k % copies)).Value;
                }

                stretch.Clear();
            }
        }
    }

    private (FrameNumber Row, int Length) FindRow(uint hash)
    {
        SimulatedDomain domain = guests.Domain;
        if (!domain.TryFind(hash, out ContentRef found) || !found.IsFrame)
        {
            return default;
        }

        int length = 0;
        while (length < FillRows.MostCopies && domain.Frames.TryGetHash(found.Frame + length, out uint next)
            && next == hash)
        {
            length++;
        }

        return (found.Frame, length);
    }
}

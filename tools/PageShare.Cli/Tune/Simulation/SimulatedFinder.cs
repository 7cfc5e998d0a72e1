using PageShare.Cli.Traces;
using PageShare.Content;
using PageShare.Memory;
using PageShare.Merge;

namespace PageShare.Cli.Tune.Simulation;

/// <summary>Finds out which pages of a stretch could share a frame: what the engine's CandidateFinder does.</summary>
/// <param name="options">The engine's settings.</param>
/// <param name="costs">What looking costs.</param>
/// <param name="guests">All guests.</param>
internal sealed class SimulatedFinder(EngineOptions options, Costs costs, SimulatedGuests guests)
{
    private const uint ZeroHash = Contents.Zero;

    /// <summary>Fills in what each page could become.</summary>
    /// <param name="region">The guest.</param>
    /// <param name="first">First page.</param>
    /// <param name="candidates">One for each page.</param>
    /// <param name="passNumber">For back-off.</param>
    /// <returns>What it cost, in nanoseconds.</returns>
    public double Find(SimulatedRegion region, int first, Span<Candidate> candidates, long passNumber)
    {
        double spent = 0;
        bool amongShared = false;
        for (int i = 0; i < candidates.Length; i++)
        {
            int page = first + i;
            amongShared |= region.KindOf(page) == PageKind.Sharing;
            candidates[i] = IsWorthALook(region, page, passNumber)
                ? Propose(region, page, i == 0 ? default : candidates[i - 1], ref spent)
                : default;
            if (candidates[i].Kind != CandidateKind.None)
            {
                region.MarkUnsettled(page);
            }
        }

        return spent + (candidates.Length * (amongShared ? costs.LookAmongShared : costs.Look));
    }

    private bool IsWorthALook(SimulatedRegion region, int page, long passNumber)
    {
        PageKind kind = region.KindOf(page);
        if (kind == PageKind.Sharing)
        {
            if (region.ShowsFrame(page))
            {
                region.ClearWritten(page);
            }

            return false;
        }

        if (kind is PageKind.Unseen or PageKind.Zero && !region.IsResident(page))
        {
            region.ClearWritten(page);
            region.MarkHole(page);
            return false;
        }

        if (kind == PageKind.Zero
            || !region.Records.IsBackedOff(new PageNumber(page), passNumber, options.BackOffMaximumPasses))
        {
            return true;
        }

        region.MarkUnsettled(page);
        return false;
    }

    private Candidate Propose(SimulatedRegion region, int page, in Candidate before, ref double spent)
    {
        if (region.KindOf(page) == PageKind.Zero)
        {
            spent += costs.Rehash;
            region.ClearWritten(page);
            if (region.ContentOf(page) == Contents.Zero)
            {
                return new Candidate(CandidateKind.Zero, 0, ZeroHash, true);
            }

            region.MarkUnsettled(page);
        }

        uint hash = Observe(region, page, ref spent, out bool isStable);
        if (!isStable)
        {
            region.MarkUnsettled(page);
        }

        if (hash == ZeroHash)
        {
            return isStable ? new Candidate(CandidateKind.Zero, 0, hash, true) : default;
        }

        return FindEqual(region, page, hash, isStable, before);
    }

    private uint Observe(SimulatedRegion region, int page, ref double spent, out bool isStable)
    {
        var number = new PageNumber(page);
        if (!region.IsWritten(page) && region.Records.TryGetHash(number, out uint hash) && hash != ZeroHash)
        {
            isStable = region.Records.ObserveUnwritten(number) >= options.StablePasses;
            return hash;
        }

        spent += region.KindOf(page) == PageKind.Unseen ? costs.FirstHash : costs.Rehash;
        region.ClearWritten(page);
        hash = (uint)region.ContentOf(page);
        guests.Changes += region.Records.TryGetHash(number, out uint former) && former == hash ? 0 : 1;
        isStable = region.Records.Observe(number, hash) >= options.StablePasses;
        return hash;
    }

    private Candidate FindEqual(SimulatedRegion region, int page, uint hash, bool isStable, in Candidate before)
    {
        SimulatedDomain domain = guests.Domain;
        if (before.Kind == CandidateKind.Frame
            && domain.Frames.TryGetHash(new FrameNumber(before.Id + 1), out uint next) && next == hash)
        {
            return new Candidate(CandidateKind.Frame, before.Id + 1, hash, isStable);
        }

        ContentRef own = ContentRef.Hint(region.FirstPageId + (uint)page);
        if (!domain.TryFind(hash, out ContentRef found) || found == own)
        {
            domain.Set(hash, own);
            return default;
        }

        if (found.IsFrame)
        {
            return new Candidate(CandidateKind.Frame, found.Id, hash, isStable);
        }

        // A hint whose page is known by another hash by now is stale, and one that can't share is in the way.
        (SimulatedRegion other, int otherPage) = guests.Resolve(found.Id);
        var otherNumber = new PageNumber(otherPage);
        if (!other.Records.TryGetHash(otherNumber, out uint known) || known != hash)
        {
            domain.Set(hash, own);
            return default;
        }

        bool isReady = isStable && other.Records.StablePassesOf(otherNumber) >= options.StablePasses;
        return new Candidate(CandidateKind.Pair, found.Id, hash, isReady);
    }
}

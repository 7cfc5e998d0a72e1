using PageShare.Cli.Traces;
using PageShare.Content;
using PageShare.Memory;
using PageShare.Merge;

namespace PageShare.Cli.Tune.Simulation;

/// <summary>Finds out which pages of a stretch could share a frame: what the engine's CandidateFinder does.</summary>
/// <param name="options">The engine's settings.</param>
/// <param name="work">Counts what is done.</param>
/// <param name="guests">All guests.</param>
internal sealed class SimulatedFinder(EngineOptions options, ScanWork work, SimulatedGuests guests)
{
    private const uint ZeroHash = Contents.Zero;

    private readonly ushort[] _places = new ushort[SimulatedRegion.StretchPages];

    /// <summary>Fills in what each page could become.</summary>
    /// <param name="region">The guest.</param>
    /// <param name="first">First page.</param>
    /// <param name="candidates">One for each page.</param>
    /// <param name="passNumber">For back-off.</param>
    /// <returns>Whether any page could become something.</returns>
    public bool Find(SimulatedRegion region, int first, Span<Candidate> candidates, long passNumber)
    {
        candidates.Clear();
        int found = region.Written.Find(new PageNumber(first), candidates.Length, _places);
        bool mustAsk = false;
        bool hasAny = false;
        foreach (ushort place in _places.AsSpan(0, found))
        {
            int page = first + place;
            mustAsk |= region.KindOf(page) is PageKind.Unseen or PageKind.Zero;
            if (!IsWorthALook(region, page, passNumber))
            {
                work.Add(ScanTask.Glance);
                continue;
            }

            candidates[place] = Propose(region, page, place == 0 ? default : candidates[place - 1]);
            hasAny |= candidates[place].Kind != CandidateKind.None;
            if (candidates[place].Kind != CandidateKind.None)
            {
                region.Written.MarkUnsettled(new PageNumber(page));
            }
        }

        work.Add(ScanTask.Residency, mustAsk ? region.CountWithoutMemory(first, candidates.Length) : 0);
        return hasAny;
    }

    private bool IsWorthALook(SimulatedRegion region, int page, long passNumber)
    {
        var number = new PageNumber(page);
        PageKind kind = region.KindOf(page);
        if (kind == PageKind.Sharing)
        {
            if (region.ShowsFrame(page))
            {
                region.Written.Settle(number);
            }

            return false;
        }

        if (kind is PageKind.Unseen or PageKind.Zero && !region.IsResident(page))
        {
            region.Written.Settle(number);
            region.Written.MarkHole(number);
            return false;
        }

        if (kind == PageKind.Zero
            || !region.Records.IsBackedOff(number, passNumber, options.BackOffMaximumPasses))
        {
            return true;
        }

        region.Written.MarkUnsettled(number);
        return false;
    }

    private Candidate Propose(SimulatedRegion region, int page, in Candidate before)
    {
        var number = new PageNumber(page);
        if (region.KindOf(page) == PageKind.Zero)
        {
            region.Written.Settle(number);
            if (region.ContentOf(page) == Contents.Zero)
            {
                work.Add(ScanTask.Rehash);
                return new Candidate(CandidateKind.Zero, 0, ZeroHash, true);
            }

            region.Written.MarkUnsettled(number);
        }

        uint hash = Observe(region, page, out bool isStable);
        if (!isStable)
        {
            region.Written.MarkUnsettled(number);
        }

        if (hash == ZeroHash)
        {
            return isStable ? new Candidate(CandidateKind.Zero, 0, hash, true) : default;
        }

        return FindEqual(region, page, hash, isStable, before);
    }

    private uint Observe(SimulatedRegion region, int page, out bool isStable)
    {
        var number = new PageNumber(page);
        bool isWritten = region.Written.Contains(number);
        bool wasHashed = region.Records.TryGetHash(number, out uint former);
        region.Written.Settle(number);
        if (!isWritten && wasHashed && former != ZeroHash)
        {
            work.Add(ScanTask.Look);
            isStable = region.Records.ObserveUnwritten(number) >= options.StablePasses;
            return former;
        }

        work.Add(wasHashed ? ScanTask.Rehash : ScanTask.FirstHash);
        var hash = (uint)region.ContentOf(page);
        guests.Changes += wasHashed && former == hash ? 0 : 1;
        isStable = region.Records.Observe(number, hash) >= options.StablePasses;
        if (wasHashed && former != hash)
        {
            guests.Domain.Remove(former, ContentRef.Hint(region.FirstPageId + (uint)page));
        }

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

        // A hint whose page is known by another hash by now is none any more.
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

using PageShare.Content;
using PageShare.Memory;
using PageShare.Merge;
using PageShare.PageTable;
using PageShare.Platform;

namespace PageShare.Scan;

/// <summary>Finds out which pages of a stretch could share a frame or become holes.</summary>
/// <remarks>
/// Here guest memory is read unsealed: it may change at any moment, so whatever is concluded is a guess that the shim
/// checks under seal. Guard: the engine's lock.
/// </remarks>
internal sealed class CandidateFinder
{
    private readonly EngineOptions _options;
    private readonly IPageHasher _hasher;
    private readonly uint _zeroHash;
    private readonly byte[] _resident = new byte[Shim.OrderPages];

    public CandidateFinder(EngineOptions options, IPageHasher hasher)
    {
        _options = options;
        _hasher = hasher;
        _zeroHash = hasher.Hash(new byte[PageSize.Bytes]);
    }

    /// <summary>Fills in what each page of a stretch could become.</summary>
    /// <param name="region">The guest's region.</param>
    /// <param name="first">First page.</param>
    /// <param name="candidates">One proposal a page.</param>
    /// <param name="passNumber">For back-off.</param>
    /// <param name="pass">Counts what was looked at.</param>
    public void Find(
        GuestRegion region, PageNumber first, Span<Candidate> candidates, long passNumber, MergeTally pass)
    {
        FindResident(region, first, candidates.Length);
        var looked = 0;
        for (var i = 0; i < candidates.Length; i++)
        {
            var page = first + i;
            candidates[i] = IsWorthALook(region, page, _resident[i] != 0, passNumber)
                ? Propose(region, page, i == 0 ? default : candidates[i - 1], ref looked)
                : default;
            if (candidates[i].Kind != CandidateKind.None)
            {
                region.Written.MarkUnsettled(page); // until it shares
            }
        }

        region.Tally.PagesHashed += looked;
        pass.PagesHashed += looked;
    }

    /// <summary>
    /// Which pages have memory. Those that were hashed once have, since only the shim takes it from them; the kernel is
    /// asked only where there are others.
    /// </summary>
    private void FindResident(GuestRegion region, PageNumber first, int count)
    {
        for (var i = 0; i < count; i++)
        {
            if (region.Records.KindOf(first + i) is PageKind.Unseen or PageKind.Zero)
            {
                region.Backing.QueryResidency(first, _resident, count);
                for (var k = 0; k < count; k++)
                {
                    _resident[k] &= 1;
                }

                return;
            }
        }

        _resident.AsSpan(0, count).Fill(1);
    }

    /// <summary>Whether there is anything to find out about the page now; if not now but later, its stretch is
    /// unsettled.</summary>
    private bool IsWorthALook(GuestRegion region, PageNumber page, bool isResident, long passNumber)
    {
        var state = region.Words.Read(page).State;
        if (region.Records.KindOf(page) == PageKind.Sharing)
        {
            if (PageStates.IsShared(state))
            {
                region.Written.Clear(page);
            }

            return false;
        }

        if (!isResident)
        {
            region.Written.Clear(page);
            region.Written.MarkHole(page);
            return false;
        }

        // A page under a pin is written by devices too, which leaves no mark: its bit stays set until after the pin.
        if (state == PageState.Zero || (region.Words.Read(page) == PageWord.Private
            && !region.Records.IsBackedOff(page, passNumber, _options.BackOffMaximumPasses)))
        {
            return true;
        }

        region.Written.MarkUnsettled(page);
        return false;
    }

    private Candidate Propose(GuestRegion region, PageNumber page, Candidate before, ref int looked)
    {
        var word = region.Words.Read(page);
        if (word.State == PageState.Zero)
        {
            looked++;
            region.Written.Clear(page);
            if (ZeroPage.IsZero(region.Backing.ReadPage(page)))
            {
                return new Candidate(CandidateKind.Zero, 0, _zeroHash, true); // read since, which allocates: a hole again
            }

            // Written since. Its word is moved by whoever looks first; if that is a pin, there is nothing to do here.
            region.Written.MarkUnsettled(page);
            if (!region.Words.TryTransition(page, word, PageWord.Private))
            {
                return default;
            }
        }

        var hash = Observe(region, page, ref looked, out var isStable, out var isZero);
        if (!isStable)
        {
            region.Written.MarkUnsettled(page);
        }

        if (isZero)
        {
            return isStable ? new Candidate(CandidateKind.Zero, 0, hash, true) : default;
        }

        return FindEqual(region, page, hash, isStable, before);
    }

    /// <summary>The page's hash, computed anew only if the page was written since it was last computed.</summary>
    private uint Observe(GuestRegion region, PageNumber page, ref int looked, out bool isStable, out bool isZero)
    {
        // The hash of zeros may be that of another content as well, so it does not tell which of them it is.
        if (!region.Written.Contains(page) && region.Records.TryGetHash(page, out var hash) && hash != _zeroHash)
        {
            isStable = region.Records.ObserveUnwritten(page) >= _options.StablePasses;
            isZero = false;
            return hash;
        }

        region.Written.Clear(page);
        looked++;
        var bytes = region.Backing.ReadPage(page);
        isZero = ZeroPage.IsZero(bytes);
        hash = isZero ? _zeroHash : _hasher.Hash(bytes);
        isStable = region.Records.Observe(page, hash) >= _options.StablePasses;
        return hash;
    }

    /// <summary>Finds what the page could share; a page of which there is no other is entered in the index as a
    /// hint.</summary>
    private Candidate FindEqual(GuestRegion region, PageNumber page, uint hash, bool isStable, Candidate before)
    {
        var domain = region.Domain;

        // The frame behind the last page's frame is the likeliest, and needs no search.
        if (before.Kind == CandidateKind.Frame && domain.Frames.TryGetHash(new FrameNumber(before.Id + 1), out var next)
            && next == hash)
        {
            return new Candidate(CandidateKind.Frame, before.Id + 1, hash, isStable);
        }

        var ownId = ShareDomain.IdOf(region, page);
        if (!domain.Index.TryFind(hash, out var found))
        {
            domain.Index.Insert(hash, ContentRef.Hint(ownId));
            return default;
        }

        if (found.IsFrame)
        {
            return new Candidate(CandidateKind.Frame, found.Id, hash, isStable);
        }

        if (found.Id == ownId)
        {
            return default;
        }

        var isThere = domain.TryResolve(found.Id, out var other, out var otherPage);
        if (!isThere || !other.CanShare || other.Words.Read(otherPage) != PageWord.Private)
        {
            // A page that cannot share now (pinned, or of a guest that is late or left alone) must not stand in the way
            // of others. Nor must it be forgotten: nothing finds it any more but a look at itself.
            if (isThere)
            {
                other.Written.MarkUnsettled(otherPage);
            }

            domain.Index.Replace(hash, found, ContentRef.Hint(ownId));
            return default;
        }

        var isReady = isStable && other.Records.StablePassesOf(otherPage) >= _options.StablePasses;
        return new Candidate(CandidateKind.Pair, found.Id, hash, isReady);
    }
}

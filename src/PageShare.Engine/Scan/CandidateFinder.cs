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
    // Pages looked at before the first of them is searched for. The index is far larger than the processor's cache:
    // what a search begins with arrives while other pages are hashed.
    private const int BlockPages = 32;

    // Pages asked for ahead of the one that is hashed. With none, or one, hashing waits for memory at each page's start.
    private const int PrefetchDistance = 2;

    private readonly EngineOptions _options;
    private readonly IPageHasher _hasher;
    private readonly uint _zeroHash;
    private readonly byte[] _resident = new byte[Shim.OrderPages];
    private readonly ushort[] _places = new ushort[Shim.OrderPages];
    private readonly Look[] _looks = new Look[Shim.OrderPages];

    public CandidateFinder(EngineOptions options, IPageHasher hasher)
    {
        _options = options;
        _hasher = hasher;
        _zeroHash = hasher.Hash(new byte[PageSize.Bytes]);
    }

    /// <summary>Fills in what each page of a stretch could become.</summary>
    /// <param name="region">The guest's region.</param>
    /// <param name="first">First page.</param>
    /// <param name="candidates">One proposal a page; all none before.</param>
    /// <param name="passNumber">For back-off.</param>
    /// <param name="pass">Counts what was looked at.</param>
    /// <returns>Whether any page could become something; if not, they are all none still.</returns>
    public bool Find(
        GuestRegion region, PageNumber first, Span<Candidate> candidates, long passNumber, MergeTally pass)
    {
        var places = _places.AsSpan(0, region.Written.Find(first, candidates.Length, _places));
        FindResident(region, first, places, candidates.Length);
        var (hashed, changed, hasAny) = (pass.PagesHashed, pass.PagesChanged, false);
        for (int i = 0, end; i < places.Length; i = end)
        {
            end = Math.Min(i + BlockPages, places.Length);
            for (var k = i; k < end; k++)
            {
                var page = first + places[k];
                if (k + PrefetchDistance < places.Length)
                {
                    PrefetchIfUnknown(region, first + places[k + PrefetchDistance]);
                }

                _looks[k] = IsWorthALook(region, page, _resident[places[k]] != 0, passNumber)
                    ? LookAt(region, page, pass)
                    : default;
            }

            for (var k = i; k < end; k++)
            {
                var place = places[k];
                var before = place == 0 ? default : candidates[place - 1];
                candidates[place] = Propose(region, first + place, _looks[k], before);
                hasAny |= candidates[place].Kind != CandidateKind.None;
            }
        }

        region.Tally.PagesHashed += pass.PagesHashed - hashed;
        region.Tally.PagesChanged += pass.PagesChanged - changed;
        return hasAny;
    }

    /// <summary>
    /// Which pages have memory. Those that were hashed once have, since only the shim takes it from them; the kernel is
    /// asked only where there are others.
    /// </summary>
    private void FindResident(GuestRegion region, PageNumber first, ReadOnlySpan<ushort> places, int count)
    {
        foreach (var place in places)
        {
            if (region.Records.KindOf(first + place) is PageKind.Unseen or PageKind.Zero)
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
                region.Written.Settle(page);
            }

            return false;
        }

        if (!isResident)
        {
            region.Written.Settle(page);
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

    private static void PrefetchIfUnknown(GuestRegion region, PageNumber page)
    {
        if (region.Written.Contains(page) || !region.Records.TryGetHash(page, out _))
        {
            region.Backing.Prefetch(page);
        }
    }

    /// <summary>Looks at one page, and asks for what the index knows of its content.</summary>
    private Look LookAt(GuestRegion region, PageNumber page, MergeTally pass)
    {
        var word = region.Words.Read(page);
        if (word.State == PageState.Zero)
        {
            pass.PagesHashed++;
            region.Written.Settle(page);
            if (ZeroPage.IsZero(region.Backing.ReadPage(page)))
            {
                return Look.AtZeros; // read since, which allocates: a hole again
            }

            // Written since. Its word is moved by whoever looks first; if that is a pin, there is nothing to do here.
            region.Written.MarkUnsettled(page);
            if (!region.Words.TryTransition(page, word, PageWord.Private))
            {
                return default;
            }
        }

        var look = Observe(region, page, pass);
        if (!look.IsStable)
        {
            region.Written.MarkUnsettled(page);
        }

        return look;
    }

    /// <summary>What the page could become, by what was seen of it.</summary>
    private Candidate Propose(GuestRegion region, PageNumber page, Look look, Candidate before)
    {
        if (look.Former is { } former)
        {
            region.Domain.Index.Remove(former, ContentRef.Hint(ShareDomain.IdOf(region, page)));
        }

        var proposal = look switch
        {
            { IsAtContent: true } => FindEqual(region, page, look.Hash, look.IsStable, before),
            { IsStable: true } => new Candidate(CandidateKind.Zero, 0, _zeroHash, true),
            _ => default,
        };
        if (proposal.Kind != CandidateKind.None)
        {
            region.Written.MarkUnsettled(page); // until it shares
        }

        return proposal;
    }

    /// <summary>The page's content. It is hashed only if the page was written since it last was.</summary>
    private Look Observe(GuestRegion region, PageNumber page, MergeTally pass)
    {
        var (records, index) = (region.Records, region.Domain.Index);
        var isWritten = region.Written.Contains(page);
        region.Written.Settle(page);

        // The hash of zeros may be that of another content as well, so it does not tell which of them it is.
        var wasHashed = records.TryGetHash(page, out var former);
        if (!isWritten && wasHashed && former != _zeroHash)
        {
            index.Prefetch(former);
            return new Look(IsAtContent: true, former, records.ObserveUnwritten(page) >= _options.StablePasses);
        }

        pass.PagesHashed++;
        var bytes = region.Backing.ReadPage(page);
        var isZero = ZeroPage.IsZero(bytes);
        var hash = isZero ? _zeroHash : _hasher.Hash(bytes);
        var isStable = records.Observe(page, hash) >= _options.StablePasses;
        var isOther = wasHashed && former != hash;
        pass.PagesChanged += isOther || !wasHashed ? 1 : 0;
        index.Prefetch(hash);
        if (isOther)
        {
            index.Prefetch(former);
        }

        return new Look(!isZero, hash, isStable) { Former = isOther ? former : null };
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
            domain.Index.InsertNew(hash, ContentRef.Hint(ownId));
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
            // of others.
            domain.Supersede(hash, found, ContentRef.Hint(ownId));
            return default;
        }

        var isReady = isStable && other.Records.StablePassesOf(otherPage) >= _options.StablePasses;
        return new Candidate(CandidateKind.Pair, found.Id, hash, isReady);
    }

    /// <summary>What was seen of a page: its content, zeros to be freed (stable and no content), or nothing.</summary>
    private readonly record struct Look(bool IsAtContent, uint Hash, bool IsStable)
    {
        public static Look AtZeros => new(IsAtContent: false, 0, IsStable: true);

        /// <summary>The hash that it had before, if it had another.</summary>
        public uint? Former { get; init; }
    }
}

using PageShare.Content;
using PageShare.Memory;
using PageShare.Merge;
using PageShare.PageTable;
using PageShare.Platform;

namespace PageShare.Scan;

/// <summary>Finds out which pages of a stretch could share a frame or become holes.</summary>
/// <remarks>
/// Here guest memory is read unsealed: it may change at any moment, so whatever is concluded is a guess that the shim
/// checks under seal. Pages are read first, by as many threads as there are, and looked up then, one by one: see
/// <see cref="PageReader"/>. Guard: the engine's lock.
/// </remarks>
internal sealed class CandidateFinder
{
    // Pages looked at before the first of them is searched for. The index is far larger than the processor's cache:
    // what a search begins with arrives while other pages are looked at.
    private const int BlockPages = 32;

    private static readonly ushort[] AllPlaces = [.. Enumerable.Range(0, Shim.OrderPages).Select(static i => (ushort)i)];

    private readonly EngineOptions _options;
    private readonly PageReader _reader;
    private readonly uint _zeroHash;
    private readonly byte[] _resident = new byte[Shim.OrderPages];
    private readonly ushort[] _places = new ushort[Shim.OrderPages];
    private readonly Look[] _looks = new Look[Shim.OrderPages];

    // By index of _places: whether there is anything to find out now, and what was read.
    private readonly bool[] _isWorth = new bool[Shim.OrderPages];
    private readonly PageDigest[] _digests = new PageDigest[Shim.OrderPages];

    public CandidateFinder(EngineOptions options, IPageHasher hasher, ScanTeam team)
    {
        _options = options;
        _zeroHash = hasher.Hash(new byte[PageSize.Bytes]);
        _reader = new PageReader(hasher, team, _zeroHash);
    }

    /// <summary>Whether other threads are reading pages further on.</summary>
    public bool IsReadingAhead => _reader.IsReading;

    /// <summary>Has them cease, and waits for that: before the engine's lock is let go, and before anything is
    /// merged.</summary>
    public void StopReading() => _reader.Stop();

    /// <summary>Fills in what each page of a stretch could become.</summary>
    /// <param name="region">The guest's region.</param>
    /// <param name="first">First page.</param>
    /// <param name="candidates">One proposal a page; all none before.</param>
    /// <param name="mostPages">Most pages that may be read from the first one on, those of later stretches included.</param>
    /// <param name="passNumber">For back-off.</param>
    /// <param name="pass">Counts what was looked at.</param>
    /// <returns>Whether any page could become something; if not, they are all none still.</returns>
    public bool Find(
        GuestRegion region, PageNumber first, Span<Candidate> candidates, int mostPages, long passNumber,
        MergeTally pass)
    {
        var places = _places.AsSpan(0, region.Written.Find(first, candidates.Length, _places));
        FindResident(region, first, places, candidates.Length);
        Read(region, first, places, candidates.Length, mostPages, passNumber);
        var (hashed, changed, hasAny) = (pass.PagesHashed, pass.PagesChanged, false);
        for (int i = 0, end; i < places.Length; i = end)
        {
            end = Math.Min(i + BlockPages, places.Length);
            for (var k = i; k < end; k++)
            {
                _looks[k] = _isWorth[k] ? LookAt(region, first + places[k], _digests[k], pass) : default;
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

        if (IsOpen(region, page, passNumber))
        {
            return true;
        }

        region.Written.MarkUnsettled(page);
        return false;
    }

    /// <summary>Whether a private page may be looked at now. A page under a pin is written by devices too, which leaves no
    /// mark: its bit stays set until after the pin.</summary>
    private bool IsOpen(GuestRegion region, PageNumber page, long passNumber)
    {
        var word = region.Words.Read(page);
        return word.State == PageState.Zero
            || (word == PageWord.Private
                && !region.Records.IsBackedOff(page, passNumber, _options.BackOffMaximumPasses));
    }

    /// <summary>Finds out which pages are worth a look, and reads those whose content is not known. Where there are other
    /// threads, these go on with pages further on.</summary>
    private void Read(
        GuestRegion region, PageNumber first, ReadOnlySpan<ushort> places, int count, int mostPages, long passNumber)
    {
        var (isComplete, last) = (true, first + (count - 1));
        _reader.Finish(last);
        for (var k = 0; k < places.Length; k++)
        {
            var page = first + places[k];
            _isWorth[k] = IsWorthALook(region, page, _resident[places[k]] != 0, passNumber);
            _digests[k] = _isWorth[k] && MustBeRead(region, page) ? _reader.Take(region, page) : PageDigest.NotNeeded;
            isComplete &= _digests[k] != default;
        }

        if (isComplete)
        {
            return;
        }

        var readsNow = _reader.IsReadingBeyond(region, last);
        if (!readsNow)
        {
            Begin(region, first, places, count, mostPages, passNumber);
            _reader.Finish(last);
        }

        for (var k = 0; k < places.Length; k++)
        {
            if (_digests[k] == default)
            {
                var page = first + places[k];
                _digests[k] = readsNow ? _reader.ReadNow(region, page) : _reader.Take(region, page);
            }
        }
    }

    /// <summary>Begins to read the pages of a stretch that are missing, and, where there are other threads, those further
    /// on.</summary>
    private void Begin(
        GuestRegion region, PageNumber first, ReadOnlySpan<ushort> places, int count, int mostPages, long passNumber)
    {
        _reader.Begin(region, first);
        for (var k = 0; k < places.Length; k++)
        {
            if (_digests[k] == default)
            {
                _reader.Add(first + places[k]);
            }
        }

        var end = _reader.ReadsAhead ? Math.Min(region.Pages, first.Value + Math.Min(mostPages, _reader.MostPages)) : 0;
        for (var page = first + count; page.Value < end; page += Shim.OrderPages)
        {
            AddAhead(region, page, (int)Math.Min(Shim.OrderPages, end - page.Value), passNumber);
        }

        _reader.BeginReading();
    }

    /// <summary>Lists the pages of another stretch that are to be read. Nothing else is done with them now.</summary>
    private void AddAhead(GuestRegion region, PageNumber first, int count, long passNumber)
    {
        if (count == Shim.OrderPages
            && region.Written.CanPassOver(first, region.Records, passNumber, _options.BackOffMaximumPasses))
        {
            return;
        }

        FindResident(region, first, AllPlaces.AsSpan(0, count), count);
        for (var i = 0; i < count; i++)
        {
            var page = first + i;
            if (_resident[i] != 0 && region.Records.KindOf(page) != PageKind.Sharing
                && IsOpen(region, page, passNumber) && MustBeRead(region, page))
            {
                _reader.Add(page);
            }
        }
    }

    /// <summary>Whether only its bytes tell the page's content: it was written, or is not known. The hash of zeros may be
    /// that of another content as well, so it does not tell which of them it is.</summary>
    private bool MustBeRead(GuestRegion region, PageNumber page) =>
        region.Written.Contains(page) || !region.Records.TryGetHash(page, out var hash) || hash == _zeroHash
        || region.Words.Read(page).State == PageState.Zero;

    /// <summary>Looks at one page, and asks for what the index knows of its content.</summary>
    private Look LookAt(GuestRegion region, PageNumber page, PageDigest digest, MergeTally pass)
    {
        var word = region.Words.Read(page);
        if (word.State == PageState.Zero)
        {
            pass.PagesHashed++;
            region.Written.Settle(page);
            if (digest.IsZero)
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

        var look = Observe(region, page, digest, pass);
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

    /// <summary>The page's content. It was read only if the page was written since it last was.</summary>
    private Look Observe(GuestRegion region, PageNumber page, PageDigest digest, MergeTally pass)
    {
        var (records, index) = (region.Records, region.Domain.Index);
        region.Written.Settle(page);
        var wasHashed = records.TryGetHash(page, out var former);
        if (!digest.IsRead)
        {
            index.Prefetch(former);
            return new Look(IsAtContent: true, former, records.ObserveUnwritten(page) >= _options.StablePasses);
        }

        pass.PagesHashed++;
        var hash = digest.Hash;
        var isStable = records.Observe(page, hash) >= _options.StablePasses;
        var isOther = wasHashed && former != hash;
        pass.PagesChanged += isOther || !wasHashed ? 1 : 0;
        index.Prefetch(hash);
        if (isOther)
        {
            index.Prefetch(former);
        }

        return new Look(!digest.IsZero, hash, isStable) { Former = isOther ? former : null };
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

using PageShare.Content;
using PageShare.Memory;
using PageShare.Merge;
using PageShare.PageTable;
using PageShare.Platform;

namespace PageShare.Scan;

/// <summary>
/// Looks at one stretch of a guest's pages and has merged what can be: the body of a pass.
/// </summary>
/// <remarks>
/// <para>In this order, which matters. First the books are brought up to date with what guests did: a page that was recorded as
/// sharing and is private gives its frame back. No frame is freed between that and the merge orders, so none that an order
/// names. Then pages are judged, runs are built from what is proposed for them, and orders given.</para>
/// <para>Here guest memory is read unsealed: it may change at any moment, so whatever is concluded is a guess that the shim checks
/// under seal. Guard: the engine's lock, held for one stretch at a time.</para>
/// </remarks>
internal sealed unsafe class ChunkScan
{
    /// <summary>Pages of a stretch.</summary>
    public const int Pages = Shim.OrderPages;

    private const int ForgivingPasses = 16;

    private readonly EngineOptions _options;
    private readonly IPageHasher _hasher;
    private readonly uint _zeroHash;
    private readonly MappingBudget _budget;
    private readonly RunBuilder _runs;
    private readonly Merger _merger;
    private readonly MergePlan _plan = new();
    private readonly Candidate[] _candidates = new Candidate[Pages];
    private readonly byte[] _resident = new byte[Pages];
    private readonly ulong[] _broken = new ulong[Pages / 64];

    public ChunkScan(EngineOptions options, IPageHasher hasher, MappingBudget budget)
    {
        _options = options;
        _hasher = hasher;
        _zeroHash = hasher.Hash(new byte[PageSize.Bytes]);
        _budget = budget;
        _runs = new RunBuilder(budget);
        _merger = new Merger(hasher, budget);
    }

    /// <summary>Scans a stretch.</summary>
    /// <param name="region">The guest's region.</param>
    /// <param name="first">First page.</param>
    /// <param name="mostPages">Most pages; the stretch ends at the next multiple of <see cref="Pages"/> at the latest.</param>
    /// <param name="passNumber">For back-off.</param>
    /// <param name="mayMerge">False: bring the books up to date, and leave it at that.</param>
    /// <param name="pass">Counts what was done.</param>
    /// <returns>Pages gone over.</returns>
    public int Scan(
        GuestRegion region, PageNumber first, int mostPages, long passNumber, bool mayMerge, MergeTally pass)
    {
        var toEdge = Pages - (first.Value % Pages);
        var count = (int)Math.Min(Math.Min(mostPages, toEdge), region.Pages - first.Value);
        SettleCopies(region, first, count, pass);
        ReconcileBroken(region, first, count, pass);
        if (passNumber % ForgivingPasses == 0)
        {
            Forgive(region, first, count);
        }

        if (first.Value % Pages == 0)
        {
            region.Written.BeginStretch(first);
        }

        _budget.Recount(region, first);
        UnshareShortRuns(region, first, count, pass);
        if (mayMerge && region.IsSharing)
        {
            Judge(region, first, count, passNumber, pass);
            _runs.Build(region, first, _candidates.AsSpan(0, count), _plan);
            _merger.Execute(region, first, count, _plan, pass);
        }
        else
        {
            region.Written.MarkUnsettled(first);
        }

        return count;
    }

    /// <summary>Passes over stretches in which nothing happened since the last pass.</summary>
    /// <param name="region">The guest's region.</param>
    /// <param name="first">First page.</param>
    /// <param name="mostPages">About how many pages at the most.</param>
    /// <returns>Pages passed over; 0 when <paramref name="first"/> must be looked at.</returns>
    public int PassOver(GuestRegion region, PageNumber first, int mostPages)
    {
        var page = first;
        while (page.Value % Pages == 0 && page.Value < region.Pages && page - first < mostPages
            && _budget.IsRoomy && region.Written.CanPassOver(page))
        {
            _budget.PassOver(region, page);
            page = new PageNumber(Math.Min(page.Value + Pages, region.Pages));
        }

        return (int)(page - first);
    }

    /// <summary>
    /// Kernel mode: finds the pages that the kernel has copied at a store, counts those that are new, and brings them home.
    /// </summary>
    private void SettleCopies(GuestRegion region, PageNumber first, int count, MergeTally pass)
    {
        if (region.Copies is not { } copies || !HasSharing(region, first, count))
        {
            return;
        }

        // SAFETY: one bit a page, and the shim writes whole words of 64; the array holds them for a whole stretch.
        fixed (ulong* broken = _broken)
        {
            Array.Clear(_broken);
            if (Shim.FindAnonymous(region.Handle, (ulong)first.Value, (ulong)count, broken) <= 0)
            {
                return;
            }

            var counted = copies.CountNew(first, _broken.AsSpan(0, (count + 63) / 64));
            region.Tally.KernelBreaks += counted;
            pass.KernelBreaks += counted;
            Shim.Settle(region.Handle, (ulong)first.Value, (uint)count, broken, null);

            // Those that are no copies any more may break anew. One that could not be settled stays counted.
            Array.Clear(_broken);
            Shim.FindAnonymous(region.Handle, (ulong)first.Value, (ulong)count, broken);
        }

        for (var i = 0; i < count; i++)
        {
            var isCopy = (_broken[i / 64] >> (i % 64) & 1) != 0;
            if (!isCopy || !PageStates.IsShared(region.Words.Read(first + i).State))
            {
                copies.Clear(first + i);
            }
        }
    }

    private static bool HasSharing(GuestRegion region, PageNumber first, int count)
    {
        for (var page = first; page < first + count; page++)
        {
            if (region.Records.KindOf(page) == PageKind.Sharing)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Gives back the frames of pages that share no more by word of the page table.</summary>
    private static void ReconcileBroken(GuestRegion region, PageNumber first, int count, MergeTally pass)
    {
        for (var page = first; page < first + count; page++)
        {
            if (region.Records.KindOf(page) == PageKind.Sharing)
            {
                Reconcile(region, page, pass);
            }
        }
    }

    /// <summary>
    /// One page recorded as sharing. A break copies from the frame while its word says Breaking, so only a word that names no
    /// frame any more lets go of it.
    /// </summary>
    public static void Reconcile(GuestRegion region, PageNumber page, MergeTally pass)
    {
        if (PageStates.NamesFrame(region.Words.Read(page).State))
        {
            return;
        }

        var freed = region.Domain.FramesFreed;
        region.Domain.Release(region.Records.FrameOf(page));
        region.Records.SetPrivate(page);
        region.Records.RaiseBackOff(page);
        region.Tally.Broken++;
        pass.Broken++;
        pass.FramesFreed += region.Domain.FramesFreed - freed;
    }

    /// <summary>Pages that have gone on sharing for some passes have their breaks forgotten, one by one.</summary>
    private static void Forgive(GuestRegion region, PageNumber first, int count)
    {
        for (var page = first; page < first + count; page++)
        {
            if (region.Records.KindOf(page) == PageKind.Sharing)
            {
                region.Records.LowerBackOff(page);
            }
        }
    }

    /// <summary>Tells the budget of the runs that are shared, and unshares those that it wants gone.</summary>
    private void UnshareShortRuns(GuestRegion region, PageNumber first, int count, MergeTally pass)
    {
        for (int i = 0, end; i < count; i = end)
        {
            end = i + 1;
            if (region.Records.KindOf(first + i) != PageKind.Sharing)
            {
                continue;
            }

            var frame = region.Records.FrameOf(first + i).Value;
            while (end < count && region.Records.KindOf(first + end) == PageKind.Sharing
                && region.Records.FrameOf(first + end).Value == frame + (uint)(end - i))
            {
                end++;
            }

            // A run that reaches the stretch's edge may be longer than it looks from here.
            var isWhole = i > 0 && end < count;
            if (isWhole && end - i < _budget.UnshareBelow
                && Shim.Break(region.Handle, (ulong)(first.Value + i), (ulong)(end - i)) >= 0)
            {
                ReconcileBroken(region, first + i, end - i, pass);
                _budget.Recount(region, first);
            }
            else
            {
                _budget.OfferShared(end - i);
            }
        }
    }

    private void Judge(GuestRegion region, PageNumber first, int count, long passNumber, MergeTally pass)
    {
        FindResident(region, first, count);
        var looked = 0;
        for (var i = 0; i < count; i++)
        {
            var page = first + i;
            _candidates[i] = IsWorthALook(region, page, _resident[i] != 0, passNumber)
                ? Judge(region, page, i == 0 ? default : _candidates[i - 1], ref looked)
                : default;
            if (_candidates[i].Kind != CandidateKind.None)
            {
                region.Written.MarkUnsettled(page); // until it shares
            }
        }

        region.Tally.PagesHashed += looked;
        pass.PagesHashed += looked;
    }

    /// <summary>
    /// Which pages have memory. Those that were hashed once have, since only the shim takes it from them; the kernel is asked
    /// only where there are others.
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

    /// <summary>Whether there is anything to find out about the page now; if not now but later, its stretch is unsettled.</summary>
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

    private Candidate Judge(GuestRegion region, PageNumber page, Candidate before, ref int looked)
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

        return Propose(region, page, hash, isStable, before);
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

    /// <summary>Finds what the page could share; a page of which there is no other is entered in the index as a hint.</summary>
    private Candidate Propose(GuestRegion region, PageNumber page, uint hash, bool isStable, Candidate before)
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

        return found.Id == ownId
            ? default
            : new Candidate(CandidateKind.Pair, found.Id, hash, isStable && IsReadyToShare(domain, found.Id));
    }

    /// <summary>Whether the page of a hint is stable and private, so that a frame for two is worth making.</summary>
    private bool IsReadyToShare(ShareDomain domain, uint id) =>
        domain.TryResolve(id, out var region, out var page)
        && region.IsSharing
        && region.Records.StablePassesOf(page) >= _options.StablePasses
        && region.Words.Read(page) == PageWord.Private;
}

using PageShare.Content;
using PageShare.Memory;
using PageShare.Merge;
using PageShare.PageTable;
using PageShare.Platform;

namespace PageShare.Scan;

/// <summary>
/// Goes over one stretch of a guest's pages: brings the books up to date, and has merged what can be. The body of a
/// pass.
/// </summary>
/// <remarks>
/// In this order, which matters. First the books are brought up to date with what guests did: a page that was recorded
/// as sharing and is private gives its frame back. No frame is freed between that and the merge orders, so none that an
/// order names. Then pages are proposed for sharing, runs are built of them, and orders given. Guard: the engine's
/// lock, held for one stretch at a time.
/// </remarks>
internal sealed class ChunkScan
{
    /// <summary>Pages of a stretch.</summary>
    public const int Pages = Shim.OrderPages;

    /// <summary>Of so many passes one goes over everything, and forgets old breaks.</summary>
    public const int ForgivingPasses = 64;

    private readonly int _backOffMaximum;
    private readonly ScanTeam _team;
    private readonly CandidateFinder _finder;
    private readonly RunBuilder _runs;
    private readonly Merger _merger;
    private readonly StoreMove _move;
    private readonly MergePlan _plan = new();
    private readonly Candidate[] _candidates = new Candidate[Pages]; // all none, but while a stretch is shared
    private readonly ulong[] _broken = new ulong[Pages / 64];

    public ChunkScan(EngineOptions options, IPageHasher hasher, ScanTeam team)
    {
        _backOffMaximum = options.BackOffMaximumPasses;
        _team = team;
        _finder = new CandidateFinder(options, hasher, team);
        _runs = new RunBuilder(options, hasher);
        _merger = new Merger(hasher);
        _move = new StoreMove(_merger, hasher);
    }

    /// <summary>Whether the scanning thread's helpers are reading pages further on.</summary>
    public bool IsReadingAhead => _finder.IsReadingAhead;

    /// <summary>Has them cease, and waits for that: before the engine's lock is let go.</summary>
    public void StopReading() => _finder.StopReading();

    /// <summary>CPU time of the scanning thread's helpers so far.</summary>
    public long HelperNanoseconds => _team.HelperNanoseconds;

    /// <summary>Enters what a region's agent has answered late.</summary>
    public void EnterLate(GuestRegion region, MergeTally pass) => _merger.EnterLate(region, pass);

    /// <summary>Scans a stretch.</summary>
    /// <param name="region">The guest's region.</param>
    /// <param name="first">First page.</param>
    /// <param name="mostPages">Most pages; the stretch ends at the next multiple of <see cref="Pages"/> at the
    /// latest.</param>
    /// <param name="passNumber">For back-off.</param>
    /// <param name="mayMerge">False: bring the books up to date, and leave it at that.</param>
    /// <param name="pass">Counts what was done.</param>
    /// <returns>Pages gone over.</returns>
    public int Scan(
        GuestRegion region, PageNumber first, int mostPages, long passNumber, bool mayMerge, MergeTally pass)
    {
        mayMerge &= !region.BackOff.IsActive && region.Orders.IsReady;
        var toEdge = Pages - (first.Value % Pages);
        var count = (int)Math.Min(Math.Min(mostPages, toEdge), region.Pages - first.Value);
        if (passNumber % ForgivingPasses == 0)
        {
            Forgive(region, first, count);
        }

        // A whole stretch, that is: the question means nothing for a page in the middle of one.
        if (count == Pages && mayMerge && region.Former is not { IsDone: false }
            && region.Written.CanPassOver(first, region.Records, passNumber, _backOffMaximum))
        {
            // Only here because mappings are short: its runs are to be counted, or unshared.
            UnshareShortRuns(region, first, count, pass);
            return count;
        }

        if (region.Records.HasAny(PageKind.Sharing, first, count))
        {
            UpdateSharing(region, first, count, mayMerge, pass);
        }

        _move.Move(region, first, count, mayMerge, passNumber, pass);
        region.Budget.Recount(region, first);
        if (mayMerge)
        {
            UnshareShortRuns(region, first, count, pass);
        }

        if (mayMerge && region.IsSharing)
        {
            Share(region, first, _candidates.AsSpan(0, count), mostPages, passNumber, pass);
        }
        else
        {
            region.Written.MarkUnsettled(first, count);
        }

        return count;
    }

    /// <summary>What guests did to pages that share, as far as the books know.</summary>
    private void UpdateSharing(GuestRegion region, PageNumber first, int count, bool mayMerge, MergeTally pass)
    {
        if (mayMerge)
        {
            SettleCopies(region, first, count, pass);
        }
        else if (region.HandlerWasReplaced)
        {
            UnshareWithoutHandler(region, first, count);
        }

        ReconcileBroken(region, first, count, pass);
    }

    private void Share(
        GuestRegion region, PageNumber first, Span<Candidate> candidates, int mostPages, long passNumber,
        MergeTally pass)
    {
        var hasAny = true;
        try
        {
            hasAny = _finder.Find(region, first, candidates, mostPages, passNumber, pass);
            if (hasAny)
            {
                _runs.Build(region, first, candidates, _plan);
                if (_plan.HasTargets)
                {
                    _finder.StopReading();
                }

                _merger.Execute(region, first, candidates.Length, _plan, pass);
            }
        }
        catch
        {
            // Some were looked at and nothing came of it: they are neither merged nor in the index.
            region.Written.MarkUnsettled(first, candidates.Length);
            throw;
        }
        finally
        {
            if (hasAny)
            {
                Merger.FinishFrames(region.Domain, _plan);
                candidates.Clear();
            }
        }
    }

    /// <summary>Passes over stretches in which nothing happened since the last pass.</summary>
    /// <param name="region">The guest's region.</param>
    /// <param name="first">First page.</param>
    /// <param name="mostPages">About how many pages at the most.</param>
    /// <param name="passNumber">For back-off; and now and then a pass goes over everything, to forget old breaks.</param>
    /// <returns>Pages passed over; 0 when <paramref name="first"/> must be looked at.</returns>
    public int PassOver(GuestRegion region, PageNumber first, int mostPages, long passNumber)
    {
        if (passNumber % ForgivingPasses == 0 || !region.Budget.IsRoomy || region.Former is { IsDone: false })
        {
            return 0;
        }

        var page = first;
        while (page.Value % Pages == 0 && page.Value < region.Pages && page - first < mostPages
            && region.Written.CanPassOver(page, region.Records, passNumber, _backOffMaximum))
        {
            region.Budget.PassOver(region, page);
            page = new PageNumber(Math.Min(page.Value + Pages, region.Pages));
        }

        return (int)(page - first);
    }

    /// <summary>
    /// Kernel mode: finds the pages that the kernel has copied at a store, counts those that are new, and brings them
    /// home, but for <see cref="Overlays"/>.
    /// </summary>
    private void SettleCopies(GuestRegion region, PageNumber first, int count, MergeTally pass)
    {
        if (region.Copies is not { } copies || (copies.AreAllCounted && !copies.ContainsAny(first, count)))
        {
            return;
        }

        Array.Clear(_broken);
        var broken = _broken.AsSpan(0, Bitmap.WordsFor(count));
        if (region.Orders.FindCopies(first, count, broken) <= 0)
        {
            return;
        }

        var counted = copies.CountNew(first, broken);
        region.Tally.KernelBreaks += counted;
        pass.KernelBreaks += counted;

        if (!Overlays.TakeOut(region, first, count, broken))
        {
            return;
        }

        // Those that are no copies any more may break anew. One that could not be settled stays counted.
        if (region.Orders.Settle(first, count, broken) < 0 || region.Orders.FindCopies(first, count, broken) < 0)
        {
            return;
        }

        for (var i = 0; i < count; i++)
        {
            if (!Bitmap.Contains(_broken, i) || !PageStates.IsShared(region.Words.Read(first + i).State))
            {
                copies.Clear(first + i);
            }
        }
    }

    /// <summary>
    /// Another process's handler was replaced: what it shares in Signal mode is given back while nobody stores to it.
    /// Kernel mode needs no handler to break. Without memory, or an answer, the next pass tries again.
    /// </summary>
    private static void UnshareWithoutHandler(GuestRegion region, PageNumber first, int count)
    {
        if (region.Ring is not null && region.Spec.FaultMode == FaultMode.Signal)
        {
            _ = region.Orders.TryBreak(first, count);
        }
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
    /// One page recorded as sharing. A break copies from the frame while its word says Breaking, so only a word that
    /// names no frame any more lets go of it.
    /// </summary>
    public static void Reconcile(GuestRegion region, PageNumber page, MergeTally pass)
    {
        if (PageStates.NamesFrame(region.Words.Read(page).State))
        {
            return;
        }

        var freed = region.Domain.FramesFreed;
        region.EndSharing(page);
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
    private static void UnshareShortRuns(GuestRegion region, PageNumber first, int count, MergeTally pass)
    {
        if (!region.Records.HasAny(PageKind.Sharing, first, count))
        {
            return;
        }

        for (int i = 0, end; i < count; i = end)
        {
            end = i + 1;
            if (region.Records.KindOf(first + i) != PageKind.Sharing)
            {
                continue;
            }

            var frame = region.Records.FrameOf(first + i).Value;
            while (end < count && !region.MapsSingly && region.Records.KindOf(first + end) == PageKind.Sharing
                && region.Records.FrameOf(first + end).Value == frame + (uint)(end - i))
            {
                end++;
            }

            // A run that reaches the stretch's edge may be longer than it looks from here.
            var isWhole = i > 0 && end < count;
            var worth = WorthOf(region, first + i, end - i);
            if (isWhole && worth < region.Budget.UnshareBelow && region.Orders.TryBreak(first + i, end - i) >= 0)
            {
                ReconcileBroken(region, first + i, end - i, pass);
                region.Budget.Recount(region, first);
            }
            else
            {
                region.Budget.OfferShared(worth);
            }
        }
    }

    /// <summary>Pages of a shared run that save anything. Some use their frame alone: bridges, and what others have
    /// left. Others have copies over it: <see cref="Overlays"/>.</summary>
    private static int WorthOf(GuestRegion region, PageNumber first, int count)
    {
        if (!region.Budget.IsShort)
        {
            return count;
        }

        var worth = 0;
        for (var page = first; page < first + count; page++)
        {
            var isShared = region.Domain.Frames.Users(region.Records.FrameOf(page)) > 1;
            worth += isShared && !Overlays.IsOverlaid(region, page) ? 1 : 0;
        }

        return worth;
    }
}

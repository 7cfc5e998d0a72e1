using PageShare.Memory;
using PageShare.PageTable;
using PageShare.Platform;

namespace PageShare.Merge;

/// <summary>
/// How many mappings sharing may take, and which runs are worth one.
/// </summary>
/// <remarks>
/// <para>Mappings are the capacity limit of sharing in user mode: a process may have vm.max_map_count of them, and at
/// that limit mmap fails for everybody, the runtime included. A run of neighbours that show neighbouring frames takes
/// one mapping and cuts its surroundings in two, whatever its length: so when there is not enough for all, the longest
/// runs are shared first.</para>
/// <para>Demand is known from the pass before: each pass offers the lengths of all runs, shared already or possible,
/// and at its end the shortest length is set whose runs, with all longer ones, fit. When runs of that length found no
/// room because shorter ones hold it, or breaks have cut long runs to pieces, the shorter ones are unshared by the next
/// pass.</para>
/// <para>Used mappings are counted stretch by stretch, from the page words, so the count corrects itself whatever the
/// fault handler did meanwhile. What a system cuts regardless of sharing (Windows, every 64 pages) is not counted. One
/// for each process that regions are mapped in: limits are the process's. Guard: the engine's lock.</para>
/// </remarks>
internal sealed class MappingBudget
{
    private const double FillTarget = 0.95;
    private const double FillLevel = 0.9;
    private const int FewRuns = 64;
    private const int MappingsPerCut = 2;

    // Runs by length in pages, in the pass under way; longer ones count as longest.
    private readonly long[] _demand = new long[Shim.OrderPages + 1];
    private long _sharedRuns;
    private long _refused;
    private long _coming;
    private bool _areFillersRefused;

    // Set aside for the plan under way, which Used does not count yet.
    private long _plan;
    private long _reserved;
    private long _passedOver;

    /// <summary>Most mappings that all regions together may take.</summary>
    public long Limit { get; set; }

    /// <summary>Mappings that all regions take, as last counted.</summary>
    public long Used { get; private set; }

    /// <summary>Shortest run that is shared, in pages.</summary>
    public int ShortestRun { get; private set; } = 1;

    /// <summary>Shared runs shorter than this are to be unshared, to make room; 0: none.</summary>
    public int UnshareBelow { get; private set; }

    /// <summary>Whether there are fewer than sharing everything would take.</summary>
    public bool IsShort => ShortestRun > 1;

    /// <summary>
    /// Whether there is so much room that runs need not be counted in stretches where nothing happens.
    /// </summary>
    public bool IsRoomy => ShortestRun == 1 && UnshareBelow == 0 && Used <= Limit / 2;

    /// <summary>Regions that it counts for.</summary>
    public int Regions { get; set; }

    /// <summary>Whether runs of this length may be shared, if there is room.</summary>
    public bool MayShare(int length) => length >= ShortestRun - 1;

    /// <summary>Whether a run may be cut in two around pages that have ceased to share: if they are as many as are worth
    /// a mapping, and around a lone page only where there is room beside the runs to come.</summary>
    /// <param name="length">How many pages, all neighbours.</param>
    /// <param name="cuts">Cuts that were made since mappings were last counted.</param>
    public bool MayCut(int length, int cuts) => length >= ShortestRun
        && (length > 1 || Used + (MappingsPerCut * (cuts + 1L)) <= Limit * FillLevel);

    /// <summary>Whether a new run may be shared now. If so, its mappings are set aside for the rest of the
    /// plan.</summary>
    /// <param name="plan">Number of the plan: what the one before had set aside is counted by now.</param>
    /// <param name="length">Its length in pages.</param>
    /// <param name="mappings">Most mappings that it takes.</param>
    public bool TryReserve(long plan, int length, int mappings)
    {
        _reserved = plan == _plan ? _reserved : 0;
        _plan = plan;

        // Runs one page too short fill what the longer ones leave.
        var needed = Used + _reserved + mappings;
        var isFiller = length == ShortestRun - 1;
        var isAllowed = length >= ShortestRun || (isFiller && needed <= Limit * FillLevel);
        _areFillersRefused |= isFiller && !isAllowed;
        if (isAllowed && needed > Limit)
        {
            _refused++;
            return false;
        }

        _reserved += isAllowed ? mappings : 0;
        return isAllowed;
    }

    /// <summary>Tells of a run that is not shared but could be, or is being shared now.</summary>
    /// <param name="length">Its length in pages.</param>
    /// <param name="isReady">False: by a later pass, since its pages have to prove stable yet.</param>
    public void Offer(int length, bool isReady = true)
    {
        _coming += !isReady && length >= ShortestRun ? 1 : 0;
        _demand[Math.Min(length, Shim.OrderPages)]++;
    }

    /// <summary>Tells of a run that is shared.</summary>
    public void OfferShared(int length)
    {
        _sharedRuns++;
        Offer(length);
    }

    /// <summary>Tells of a stretch whose runs are not counted in this pass.</summary>
    public void PassOver(GuestRegion region, PageNumber first) => PassOver(region.BoundariesOf(first));

    /// <summary>The same by the number of its mappings.</summary>
    public void PassOver(int boundaries) => _passedOver += boundaries;

    /// <summary>Counts all mappings of a region anew.</summary>
    public void Recount(GuestRegion region)
    {
        for (var page = new PageNumber(0); page.Value < region.Pages; page += Shim.OrderPages)
        {
            Recount(region, page);
        }
    }

    /// <summary>Counts the mappings of one stretch of a region anew.</summary>
    /// <param name="region">The region.</param>
    /// <param name="page">Any page of the stretch; stretches are as long as a merge order may be.</param>
    public void Recount(GuestRegion region, PageNumber page)
    {
        var first = new PageNumber(page.Value / Shim.OrderPages * Shim.OrderPages);
        var count = (int)Math.Min(Shim.OrderPages, region.Pages - first.Value);
        var boundaries = CountBoundaries(region, first, count);
        region.MappingsUsed += Recount(ref region.BoundariesOf(first), boundaries);
    }

    /// <summary>Takes in how many mappings begin in a stretch now.</summary>
    /// <param name="known">How many did when it was last counted.</param>
    /// <param name="boundaries">How many do now.</param>
    /// <returns>The difference.</returns>
    public int Recount(ref ushort known, int boundaries)
    {
        var change = boundaries - known;
        known = (ushort)boundaries;
        Used += change;
        return change;
    }

    /// <summary>Forgets a region that is gone.</summary>
    public void Forget(GuestRegion region)
    {
        Used -= region.MappingsUsed;
        region.MappingsUsed = 0;
    }

    /// <summary>Ends a pass: what it offered decides which runs the next one shares.</summary>
    public void EndPass()
    {
        // A run costs two boundaries at most, and less where runs touch: what it costs here can be seen once some
        // exist.
        var counted = Used - _passedOver;
        var costPerRun = _sharedRuns >= FewRuns ? Math.Clamp((double)counted / _sharedRuns, 1, 2) : 2;
        var room = (Limit * FillTarget) - _passedOver;
        var shortest = Shim.OrderPages;
        for (var demand = 0.0; shortest > 0; shortest--)
        {
            demand += _demand[shortest] * costPerRun;
            if (demand > room)
            {
                break;
            }
        }

        // Whatever the estimate says: where all runs that were allowed found room, and what is coming will, they still
        // are. Else runs at the limit would be shared and unshared by turns.
        var fits = _refused == 0 && Used + (_coming * costPerRun) <= Limit;
        ShortestRun = fits ? Math.Min(shortest + 1, ShortestRun) : shortest + 1;
        UnshareBelow = Used > Limit || _refused > 0 ? ShortestRun : _areFillersRefused ? ShortestRun - 1 : 0;
        Array.Clear(_demand);
        _sharedRuns = 0;
        _refused = 0;
        _coming = 0;
        _areFillersRefused = false;
        _passedOver = 0;
    }

    /// <summary>Mappings that begin in [first, first + count): page first counts if it does not go on from the page
    /// before.</summary>
    private static int CountBoundaries(GuestRegion region, PageNumber first, int count)
    {
        var words = region.Words;
        var before = first.Value == 0 ? null : FrameMappedBy(words.Read(first - 1));
        var boundaries = first.Value == 0 ? 1 : 0;
        if (before is null && words.AreAll(PageWord.Private, first, count))
        {
            return boundaries; // most stretches of memory that is not shared
        }

        for (var page = first; page < first + count; page++)
        {
            var frame = FrameMappedBy(words.Read(page));
            if (page.Value > 0 && !GoesOn(before, frame, region.MapsSingly))
            {
                boundaries++;
            }

            before = frame;
        }

        return boundaries;
    }

    /// <summary>Whether one mapping shows two neighbouring pages, by the frames that they show, if any.</summary>
    /// <param name="before">The frame of the one before.</param>
    /// <param name="frame">That of the page.</param>
    /// <param name="mapsSingly">Whether each shared page is a mapping by itself.</param>
    public static bool GoesOn(ulong? before, ulong? frame, bool mapsSingly = false) =>
        before is null ? frame is null : frame == before + 1 && !mapsSingly;

    private static ulong? FrameMappedBy(PageWord word) =>
        word.State is PageState.Shared or PageState.KernelShared or PageState.Breaking ? word.Place : null;
}

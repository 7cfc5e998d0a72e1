using PageShare.Cli.Traces;
using PageShare.Content;
using PageShare.Memory;
using PageShare.Merge;
using PageShare.Scan;

namespace PageShare.Cli.Tune.Simulation;

/// <summary>
/// The guests of a trace and a scanner that goes over them as the engine does, on numbers of contents in place of
/// bytes, and at costs that were measured in place of the time that it takes.
/// </summary>
/// <remarks>Not thread-safe; any number may exist at a time.</remarks>
internal sealed class SimulatedGuests : IScannedGuests, IDisposable
{
    // As the engine counts them: page words and host's page table entries, records, bitmaps, index, frames, mappings.
    private const int BytesPerPage = 16 + PageRecords.BytesPerPage;
    private const double BytesPerEntry = 64 / (10 * 0.8);
    private const int BytesPerMapping = 220;

    private readonly EngineOptions _options;
    private readonly Costs _costs;
    private readonly bool _tellsOfCopies;
    private readonly SimulatedRegion[] _regions;
    private readonly MappingBudget _budget;
    private readonly SimulatedFinder _finder;
    private readonly SimulatedRuns _runs;
    private readonly SimulatedMerger _merger;
    private readonly SimulatedPlan _plan = new();
    private readonly Candidate[] _candidates = new Candidate[SimulatedRegion.StretchPages];
    private readonly int[] _users;
    private int _distinct;
    private int _current;
    private int _page;
    private long _passNumber;
    private double _guestNanoseconds;

    /// <param name="trace">The guests.</param>
    /// <param name="options">How the engine is set.</param>
    /// <param name="costs">What things cost.</param>
    /// <param name="mappingLimit">Mappings that may be used where the settings say nothing.</param>
    public SimulatedGuests(MemoryTrace trace, EngineOptions options, MachineCosts costs, long mappingLimit)
    {
        _options = options;
        _costs = costs.Of(options.FaultMode);
        _tellsOfCopies = costs.TellsOfCopies;
        Work = new ScanWork(_costs.Prices);
        _budget = new MappingBudget { Limit = options.MappingBudget ?? mappingLimit };
        Domain = new SimulatedDomain(trace.Contents, trace.TotalPages);
        _users = new int[trace.Contents];
        _regions = new SimulatedRegion[trace.Pages.Count];
        uint first = 0;
        for (int i = 0; i < _regions.Length; first += (uint)trace.Pages[i], i++)
        {
            _regions[i] = new SimulatedRegion(trace.Pages[i], first, options);
        }

        _finder = new SimulatedFinder(options, Work, this);
        _runs = new SimulatedRuns(options, _budget, Work, this);
        _merger = new SimulatedMerger(_budget, Work, this);
    }

    /// <inheritdoc/>
    public long Pages => _regions.Sum(region => (long)region.Pages);

    /// <inheritdoc/>
    public long Changes { get; set; }

    /// <inheritdoc/>
    public long Mappings => _regions.Sum(region => region.Mappings);

    /// <summary>The frames that they share.</summary>
    public SimulatedDomain Domain { get; }

    /// <summary>Pages that ceased to share at stores so far.</summary>
    public long Breaks { get; private set; }

    /// <summary>What the scanner has done.</summary>
    public ScanWork Work { get; }

    /// <summary>The page with an id.</summary>
    public (SimulatedRegion Region, int Page) Resolve(uint id)
    {
        int low = 0;
        for (int high = _regions.Length - 1; low < high;)
        {
            int middle = (low + high + 1) / 2;
            (low, high) = id < _regions[middle].FirstPageId ? (low, middle - 1) : (middle, high);
        }

        return (_regions[low], (int)(id - _regions[low].FirstPageId));
    }

    /// <summary>A content is found elsewhere from now on. The page that named it before finds that out by a look at
    /// itself.</summary>
    public void Supersede(uint hash, ContentRef by)
    {
        if (Domain.TryFind(hash, out ContentRef former) && !former.IsFrame)
        {
            (SimulatedRegion region, int page) = Resolve(former.Id);
            region.Written.MarkUnsettled(new PageNumber(page));
        }

        Domain.Set(hash, by);
    }

    /// <inheritdoc/>
    public void Store(in PageStore store)
    {
        int broken = _regions[store.Guest].Store(store.Page, store.Content, out int before, out bool isFirst);
        Breaks += broken;
        _guestNanoseconds += (broken > 0 ? _costs.Break + ((broken - 1) * _costs.BreakAhead) : 0)
            + (isFirst && _options.TrackWrites && before != Contents.Absent ? _costs.TrackedStore : 0);
        if (before > Contents.Zero)
        {
            _distinct -= --_users[before] == 0 ? 1 : 0;
        }

        if (store.Content > Contents.Zero)
        {
            _distinct += _users[store.Content]++ == 0 ? 1 : 0;
        }
    }

    /// <inheritdoc/>
    public bool Step(int mostPages, out int pages, out long cpuNanoseconds)
    {
        SimulatedRegion region = _regions[_current];
        double before = Work.Nanoseconds;
        (long hashed, long merged) = (Hashed, Work.CountOf(ScanTask.Merge));
        Work.Add(ScanTask.Step);
        pages = 0;
        do
        {
            int some = ScanSome(region, _page, mostPages - pages);
            pages += some;
            _page += some;
        }
        while (_page < region.Pages && ScanPass.GoesOn(
            pages, mostPages, Hashed - hashed, Work.CountOf(ScanTask.Merge) - merged));

        cpuNanoseconds = (long)(Work.Nanoseconds - before);
        if (_page < region.Pages)
        {
            return true;
        }

        _page = 0;
        if (++_current < _regions.Length)
        {
            return true;
        }

        _current = 0;
        _passNumber++;
        _budget.EndPass();
        return false;
    }

    /// <inheritdoc/>
    public GuestFigures Look()
    {
        long populated = _regions.Sum(region => (long)region.Populated);
        return new GuestFigures
        {
            PopulatedPages = populated,
            SavedPages = _regions.Sum(region => (long)region.Sharing + region.Holes) - Domain.Frames.LiveFrames,
            BestPages = populated - _distinct,
            MetadataBytes = (Pages * BytesPerPage) + (long)(Domain.Entries * BytesPerEntry) + Domain.Frames.Bytes
                + Domain.Allocator.Bytes + (_budget.Used * BytesPerMapping),
            Breaks = Breaks,
            GuestNanoseconds = _guestNanoseconds,
            Mappings = Mappings,
        };
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Domain.Dispose();
        Array.ForEach(_regions, region => region.Dispose());
    }

    private long Hashed => Work.CountOf(ScanTask.FirstHash) + Work.CountOf(ScanTask.Rehash);

    private bool IsKernelMode => _options.FaultMode == FaultMode.Kernel;

    /// <summary>Whether this pass asks the kernel which pages it has copied.</summary>
    private bool AsksForCopies =>
        IsKernelMode && (!_tellsOfCopies || _passNumber % Scanner.PassesThatTrustEvents == 0);

    private int ScanSome(SimulatedRegion region, int first, int mostPages)
    {
        if (first == 0)
        {
            Work.Add(ScanTask.Walk, region.AreMarksKnown ? region.Mappings : 0);
            Work.Add(ScanTask.CopyWalk, AsksForCopies ? region.Mappings : 0);
            region.TakeMarks();
        }

        int passedOver = PassOver(region, first, mostPages);
        return passedOver > 0 ? passedOver : Scan(region, first, mostPages);
    }

    private int PassOver(SimulatedRegion region, int first, int mostPages)
    {
        if (_passNumber % ChunkScan.ForgivingPasses == 0 || !_budget.IsRoomy)
        {
            return 0;
        }

        int page = first;
        while (page % SimulatedRegion.StretchPages == 0 && page < region.Pages && page - first < mostPages
            && CanPassOver(region, page))
        {
            _budget.PassOver(region.BoundariesOf(page));
            page = Math.Min(page + SimulatedRegion.StretchPages, region.Pages);
        }

        Work.Add(ScanTask.PassOver, page - first);
        return page - first;
    }

    private int Scan(SimulatedRegion region, int first, int mostPages)
    {
        int toEdge = SimulatedRegion.StretchPages - (first % SimulatedRegion.StretchPages);
        int count = Math.Min(Math.Min(mostPages, toEdge), region.Pages - first);
        bool isAmongShared = region.Records.HasAny(PageKind.Sharing, new PageNumber(first), count);
        Work.Add(isAmongShared ? ScanTask.SharedStretch : ScanTask.Stretch);
        if (_passNumber % ChunkScan.ForgivingPasses == 0)
        {
            Forgive(region, first, count);
        }

        if (count == SimulatedRegion.StretchPages && CanPassOver(region, first))
        {
            UnshareShortRuns(region, first, count);
            return count;
        }

        Reconcile(region, first, count);
        region.Recount(first, _budget);
        UnshareShortRuns(region, first, count);
        Span<Candidate> candidates = _candidates.AsSpan(0, count);
        if (_finder.Find(region, first, candidates, _passNumber))
        {
            _runs.Build(region, first, candidates, _plan);
            _merger.Execute(region, first, count, _plan);
        }

        return count;
    }

    private bool CanPassOver(SimulatedRegion region, int first) => region.Written.CanPassOver(
        new PageNumber(first), region.Records, _passNumber, _options.BackOffMaximumPasses);

    private static void Forgive(SimulatedRegion region, int first, int count)
    {
        for (int page = first; page < first + count; page++)
        {
            if (region.KindOf(page) == PageKind.Sharing)
            {
                region.Records.LowerBackOff(new PageNumber(page));
            }
        }
    }

    private void Reconcile(SimulatedRegion region, int first, int count)
    {
        bool isAsked = AsksForCopies;
        for (int page = first; page < first + count; page++)
        {
            if (!region.IsBroken(page))
            {
                continue;
            }

            isAsked |= IsKernelMode;
            Work.Add(ScanTask.Settle);
            FrameNumber frame = region.Records.FrameOf(new PageNumber(page));
            if (IsKernelMode && region.ContentOf(page) == Domain.ContentOf(frame))
            {
                region.DropCopy(page);
                continue;
            }

            Domain.Release(frame);
            region.BecomePrivate(page);
            Changes++;
        }

        Work.Add(ScanTask.CopyQuery, isAsked ? 1 : 0);
    }

    private void UnshareShortRuns(SimulatedRegion region, int first, int count)
    {
        for (int i = 0, end; i < count; i = end)
        {
            end = i + 1;
            if (!region.ShowsFrame(first + i))
            {
                continue;
            }

            uint frame = region.Records.FrameOf(new PageNumber(first + i)).Value;
            while (end < count && region.ShowsFrame(first + end)
                && region.Records.FrameOf(new PageNumber(first + end)).Value == frame + (uint)(end - i))
            {
                end++;
            }

            bool isWhole = i > 0 && end < count;
            int worth = WorthOf(region, first + i, end - i);
            if (!isWhole || worth >= _budget.UnshareBelow)
            {
                _budget.OfferShared(worth);
                continue;
            }

            Work.Add(ScanTask.Unshare);
            Work.Add(ScanTask.UnsharePage, end - i);
            for (int page = first + i; page < first + end; page++)
            {
                Domain.Release(region.Records.FrameOf(new PageNumber(page)));
                region.BecomePrivate(page);
                Changes++;
            }

            region.Recount(first, _budget);
        }
    }

    private int WorthOf(SimulatedRegion region, int first, int count) => _budget.IsShort
        ? Enumerable.Range(first, count).Count(page =>
            Domain.Frames.Users(region.Records.FrameOf(new PageNumber(page))) > 1)
        : count;
}

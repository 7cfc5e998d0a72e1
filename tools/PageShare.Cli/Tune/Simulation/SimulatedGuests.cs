using PageShare.Cli.Traces;
using PageShare.Content;
using PageShare.Memory;
using PageShare.Merge;

namespace PageShare.Cli.Tune.Simulation;

/// <summary>
/// The guests of a trace and a scanner that goes over them as the engine does, on numbers of contents in place of
/// bytes, and at costs that were measured in place of the time that it takes.
/// </summary>
/// <remarks>Not thread-safe; any number may exist at a time.</remarks>
internal sealed class SimulatedGuests : IScannedGuests, IDisposable
{
    private const int ForgivingPasses = 64;

    // As the engine counts them: page words and host's page table entries, records, bitmaps, index, frames, mappings.
    private const int BytesPerPage = 16 + PageRecords.BytesPerPage;
    private const double BytesPerEntry = 64 / (10 * 0.8);
    private const int BytesPerMapping = 220;

    private readonly EngineOptions _options;
    private readonly Costs _costs;
    private readonly double _passNanoseconds;
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
    private long _breaks;
    private double _guestNanoseconds;

    /// <param name="trace">The guests.</param>
    /// <param name="options">How the engine is set.</param>
    /// <param name="costs">What things cost.</param>
    /// <param name="mappingLimit">Mappings that may be used where the settings say nothing.</param>
    public SimulatedGuests(MemoryTrace trace, EngineOptions options, MachineCosts costs, long mappingLimit)
    {
        _options = options;
        _costs = costs.Of(options.FaultMode);
        _passNanoseconds = costs.Pass;
        _budget = new MappingBudget { Limit = options.MappingBudget ?? mappingLimit };
        Domain = new SimulatedDomain(trace.Contents, trace.TotalPages);
        _users = new int[trace.Contents];
        _regions = new SimulatedRegion[trace.Pages.Count];
        uint first = 0;
        for (int i = 0; i < _regions.Length; first += (uint)trace.Pages[i], i++)
        {
            _regions[i] = new SimulatedRegion(trace.Pages[i], first, options);
        }

        _finder = new SimulatedFinder(options, _costs, this);
        _runs = new SimulatedRuns(options, _budget, _costs, this);
        _merger = new SimulatedMerger(_budget, _costs, this);
    }

    /// <inheritdoc/>
    public long Pages => _regions.Sum(region => (long)region.Pages);

    /// <inheritdoc/>
    public long Changes { get; set; }

    /// <summary>The frames that they share.</summary>
    public SimulatedDomain Domain { get; }

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

    /// <inheritdoc/>
    public void Store(in PageStore store)
    {
        bool breaks = _regions[store.Guest].Store(store.Page, store.Content, out int before, out bool isFirst);
        _breaks += breaks ? 1 : 0;
        _guestNanoseconds += (breaks ? _costs.Break : 0)
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
        double spent = _current == 0 && _page == 0 ? _passNanoseconds : 0;
        if (_page == 0)
        {
            region.TakeMarks();
        }

        pages = PassOver(region, _page, mostPages);
        spent += pages * _costs.PassOver;
        pages = pages > 0 ? pages : Scan(region, _page, mostPages, ref spent);
        cpuNanoseconds = (long)spent;
        _page += pages;
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
            Breaks = _breaks,
            GuestNanoseconds = _guestNanoseconds,
            Mappings = _regions.Sum(region => region.Mappings),
        };
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Domain.Dispose();
        Array.ForEach(_regions, region => region.Dispose());
    }

    private int PassOver(SimulatedRegion region, int first, int mostPages)
    {
        if (_passNumber % ForgivingPasses == 0 || !_budget.IsRoomy)
        {
            return 0;
        }

        int page = first;
        while (page % SimulatedRegion.StretchPages == 0 && page < region.Pages && page - first < mostPages
            && region.CanPassOver(page))
        {
            _budget.PassOver(region.BoundariesOf(page));
            page = Math.Min(page + SimulatedRegion.StretchPages, region.Pages);
        }

        return page - first;
    }

    private int Scan(SimulatedRegion region, int first, int mostPages, ref double spent)
    {
        int toEdge = SimulatedRegion.StretchPages - (first % SimulatedRegion.StretchPages);
        int count = Math.Min(Math.Min(mostPages, toEdge), region.Pages - first);
        if (_passNumber % ForgivingPasses == 0)
        {
            Forgive(region, first, count);
        }

        if (count == SimulatedRegion.StretchPages && region.CanPassOver(first))
        {
            UnshareShortRuns(region, first, count, ref spent);
            spent += count * _costs.PassOver;
            return count;
        }

        Reconcile(region, first, count, ref spent);
        if (first % SimulatedRegion.StretchPages == 0)
        {
            region.BeginStretch(first);
        }

        region.Recount(first, _budget);
        UnshareShortRuns(region, first, count, ref spent);
        Span<Candidate> candidates = _candidates.AsSpan(0, count);
        spent += _costs.Turn + _finder.Find(region, first, candidates, _passNumber);
        spent += _runs.Build(region, first, candidates, _plan);
        spent += _merger.Execute(region, first, count, _plan);
        if ((first + count) % SimulatedRegion.StretchPages == 0 || first + count == region.Pages)
        {
            region.EndStretch(first);
        }

        return count;
    }

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

    private void Reconcile(SimulatedRegion region, int first, int count, ref double spent)
    {
        for (int page = first; page < first + count; page++)
        {
            if (!region.IsBroken(page))
            {
                continue;
            }

            FrameNumber frame = region.Records.FrameOf(new PageNumber(page));
            bool isKernel = _options.FaultMode == FaultMode.Kernel;
            spent += isKernel ? _costs.Settle : 0;
            if (isKernel && region.ContentOf(page) == Domain.ContentOf(frame))
            {
                region.DropCopy(page);
                continue;
            }

            Domain.Release(frame);
            region.BecomePrivate(page);
            Changes++;
        }
    }

    private void UnshareShortRuns(SimulatedRegion region, int first, int count, ref double spent)
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

            for (int page = first + i; page < first + end; page++)
            {
                Domain.Release(region.Records.FrameOf(new PageNumber(page)));
                region.BecomePrivate(page);
                spent += _costs.Break;
            }

            region.Recount(first, _budget);
        }
    }

    private int WorthOf(SimulatedRegion region, int first, int count) => _budget.IsShort
        ? Enumerable.Range(first, count).Count(page =>
            Domain.Frames.Users(region.Records.FrameOf(new PageNumber(page))) > 1)
        : count;
}

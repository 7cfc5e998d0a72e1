using PageShare.Cli.Traces;
using PageShare.Cli.Tune;
using PageShare.Cli.Tune.Simulation;
using PageShare.Merge;
using PageShare.Metrics;
using PageShare.Scan;

namespace PageShare.UnitTests.Cli.Tune;

/// <summary>
/// The guests of a trace in a real engine: real stores and breaks, and the engine's own passes, stretch by stretch.
/// What is saved is told by the kernel's count of blocks, not by the engine.
/// </summary>
internal sealed class EngineGuests : IScannedGuests, IDisposable
{
    private const int PageBytes = 4096;

    private readonly PageShareEngine _engine;
    private readonly Guest[] _guests;
    private readonly MergeTally _counted = new();
    private readonly HashSet<(int, int)> _populated = [];
    private ScanPass? _pass;

    public EngineGuests(MemoryTrace trace, EngineOptions options, long mappingLimit)
    {
        _engine = PageShareEngine.Start(options with
        {
            BackgroundScanning = false,
            MappingBudget = options.MappingBudget ?? (int)mappingLimit,
        });
        _guests = [.. trace.Pages.Select((pages, i) => _engine.CreateGuest($"guest-{i}", (long)pages * PageBytes))];
    }

    public long Pages => _engine.Registry.Regions.Sum(region => region.Pages);

    public long Mappings => _engine.Registry.Regions.Sum(region => region.MappingsUsed);

    public long Changes => _engine.Scanner.Totals.Changes;

    public void Store(in PageStore store)
    {
        _populated.Add((store.Guest, store.Page));
        Span<byte> page = _guests[store.Guest].AsSpan((long)store.Page * PageBytes, PageBytes);
        NumberedPage.Fill(page, (ulong)store.Content);
    }

    public bool Step(int mostPages, out int pages, out long cpuNanoseconds)
    {
        _pass ??= _engine.Scanner.BeginPass();
        if (_pass.Step(mostPages, out pages, out cpuNanoseconds))
        {
            return true;
        }

        _pass = null;
        _engine.Scanner.EndPass();
        return false;
    }

    public GuestFigures Look()
    {
        long resident = _engine.Registry.Domains.Sum(domain => domain.Store.AllocatedBytes)
            + _engine.Registry.Regions.Sum(region => region.Backing.AllocatedBytes
                + (PageCensus.CountCopies(region, _counted) * PageBytes));
        CounterSet totals = _engine.Snapshot().Totals;
        return new GuestFigures
        {
            PopulatedPages = _populated.Count,
            SavedPages = _populated.Count - (resident / PageBytes),
            BestPages = 0,
            MetadataBytes = 0,
            Breaks = totals.CowFaults + totals.PagesBrokenAhead,
            GuestNanoseconds = 0,
            Mappings = Mappings,
        };
    }

    public void Dispose() => _engine.Dispose();
}

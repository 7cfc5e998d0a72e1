using PageShare.Cli.Traces;
using PageShare.Cli.Tune.Simulation;
using PageShare.Metrics;
using PageShare.Platform;
using PageShare.Scan;

namespace PageShare.Cli.Tune;

/// <summary>
/// Some guests in a small engine and the same guests simulated: what is stored to the ones is stored to the others, and
/// both are scanned pass by pass. The engine tells what a pass took, the simulation what it consisted of.
/// </summary>
internal sealed class CostTrial : IDisposable
{
    /// <summary>Guests.</summary>
    public const int Guests = 3;

    /// <summary>Mappings that they may take: so many that runs need not compete.</summary>
    private const int Mappings = 32_000;

    // As many as the pacer grants at some hundred thousand pages a second.
    private const int StepPages = 1024;

    private readonly PageShareEngine _engine;
    private readonly Guest[] _guests;
    private readonly SimulatedGuests _simulated;
    private readonly Action<long[], double> _pass;
    private readonly ColdCaches _caches;
    private long[] _before;
    private long _passes;

    /// <param name="mode">Of the guests.</param>
    /// <param name="pages">Of each guest.</param>
    /// <param name="caches">Taken away before each pass.</param>
    /// <param name="pass">Is told of each pass how often it did each of the scanner's tasks, and its nanoseconds of
    /// CPU.</param>
    public CostTrial(FaultMode mode, int pages, ColdCaches caches, Action<long[], double> pass)
    {
        var options = new EngineOptions { BackgroundScanning = false, FaultMode = mode, MappingBudget = Mappings };
        var trace = new MemoryTrace
        {
            Name = "costs",
            Guests = [.. Enumerable.Range(0, Guests).Select(i => $"guest-{i}")],
            Pages = [.. Enumerable.Repeat(pages, Guests)],
            Moments = [],
            Contents = pages * Guests * 16,
        };
        Pages = pages;
        _pass = pass;
        _caches = caches;
        _engine = PageShareEngine.Start(options);
        _guests = [.. trace.Guests.Select(name => _engine.CreateGuest(name, (long)pages * Quantity.PageBytes))];
        TellsOfCopies = _engine.Scanner.KernelBreaks.IsTold;
        _simulated = new SimulatedGuests(
            trace, options, MachineCosts.None with { TellsOfCopies = TellsOfCopies }, Mappings);
        _before = _simulated.Work.Counts();
    }

    /// <summary>Pages of each guest.</summary>
    public int Pages { get; }

    /// <summary>Whether the kernel tells at once of pages that it copies.</summary>
    public bool TellsOfCopies { get; }

    /// <summary>Stores that broke sharing so far.</summary>
    public int Faults { get; private set; }

    /// <summary>Pages that ceased to share by them.</summary>
    public int Broken { get; private set; }

    /// <summary>A guest stores to a page.</summary>
    public void Store(int guest, int page, int content)
    {
        NumberedPage.Fill(PageAt(guest, page), (ulong)content);
        Simulate(guest, page, content);
    }

    /// <summary>One store to each of some pages, in order: nanoseconds of CPU for all of them.</summary>
    public double TimeStores(int guest, IReadOnlyList<int> pages, Func<int, int> contentOf)
    {
        double began = Shim.ThreadCpuNanoseconds();
        foreach (int page in pages)
        {
            PageAt(guest, page)[0]++;
        }

        double nanoseconds = Shim.ThreadCpuNanoseconds() - began;
        foreach (int page in pages)
        {
            Store(guest, page, contentOf(page));
        }

        return nanoseconds;
    }

    /// <summary>Gives runs of pages memory of their own: nanoseconds of CPU for all of them. The simulation does not
    /// follow, so it is the last thing to do.</summary>
    public double TimeUnsharing(int guest, IReadOnlyList<int> starts, int length)
    {
        double began = Shim.ThreadCpuNanoseconds();
        foreach (int page in starts)
        {
            _guests[guest].EnsureWritable((long)page * Quantity.PageBytes, (long)length * Quantity.PageBytes);
        }

        return Shim.ThreadCpuNanoseconds() - began;
    }

    /// <summary>Scans all guests.</summary>
    public void Pass()
    {
        lock (_engine.Registry.Gate)
        {
            _engine.Scanner.KernelBreaks.Drain(_engine.Scanner.Totals);
        }

        _caches.Take();
        double nanoseconds = 0;
        ScanPass pass = _engine.Scanner.BeginPass(mayTrustEvents: _passes++ % Scanner.PassesThatTrustEvents != 0);
        for (bool isMore = true; isMore;)
        {
            isMore = pass.Step(StepPages, out _, out long spent);
            nanoseconds += spent;
        }

        _engine.Scanner.EndPass();
        while (_simulated.Step(StepPages, out _, out _))
        {
            // To the end of the pass.
        }

        long[] after = _simulated.Work.Counts();
        _pass([.. after.Zip(_before, (now, before) => now - before)], nanoseconds);
        _before = after;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _simulated.Dispose();
        _engine.Dispose();
    }

    private void Simulate(int guest, int page, int content)
    {
        long before = _simulated.Breaks;
        _simulated.Store(new PageStore(0, guest, page, content));
        Faults += _simulated.Breaks > before ? 1 : 0;
        Broken += (int)(_simulated.Breaks - before);
    }

    private Span<byte> PageAt(int guest, int page) =>
        _guests[guest].AsSpan((long)page * Quantity.PageBytes, Quantity.PageBytes);
}

using System.Diagnostics;
using PageShare.Content;
using PageShare.Fault;
using PageShare.Memory;
using PageShare.Merge;
using PageShare.Platform;

namespace PageShare.Scan;

/// <summary>Scans: in a thread of its own while the machine is idle, and at once for whoever asks.</summary>
/// <remarks>
/// <para>The thread works in slices of some milliseconds, managed code between short native calls, so that a garbage
/// collection waits for one stretch of pages at most. It is an ordinary thread, not one of idle priority: such a thread
/// can be kept from a processor while others wait for it to reach a safe point.</para>
/// <para>More threads than one read pages ahead of whoever scans, and sleep else: see <see cref="ScanTeam"/>.</para>
/// <para>Locks: the pass lock is held over a slice, or over a whole pass that was asked for, and the engine's lock is
/// taken inside it for each stretch. Thread-safe.</para>
/// </remarks>
internal sealed class Scanner : IDisposable
{
    /// <summary>Counting the process's mappings takes a microsecond each, so the limit is not taken anew in every
    /// pass.</summary>
    public static readonly TimeSpan LimitLifetime = TimeSpan.FromSeconds(10);

    /// <summary>Of so many passes, one asks the page table for breaks that no event told of.</summary>
    public const int PassesThatTrustEvents = 16;

    // Where there is nothing to look at; else a step is one stretch.
    private const int MostPagesAtOnce = 1 << 16;

    private readonly GuestRegistry _registry;
    private readonly EngineOptions _options;
    private readonly IPlatform _platform;
    private readonly TimeProvider _time;
    private readonly MappingBudget _budget;
    private readonly ScanTeam _team;
    private readonly ChunkScan _scan;
    private readonly AgentCheck _agents;
    private readonly ScanAdvisor _advisor;
    private readonly ScanPacer _pacer;
    private readonly IdlePolicy _idle;
    private readonly Lock _passLock = new();
    private readonly ManualResetEventSlim _wake = new();
    private readonly Thread _thread;

    private ScanPass? _background; // guard: pass lock
    private long _passNumber;      // guard: pass lock
    private long _limitTakenAt;    // guard: pass lock
    private long _lastLoadSample;  // the scanner's thread alone
    private long _charged;         // the scanner's thread alone: of its CPU time, what was charged
    private volatile bool _stopping;
    private bool _mustUnshare; // guard: both locks
    private string? _shortage;

    public Scanner(
        GuestRegistry registry,
        EngineOptions options,
        IPlatform platform,
        IPageHasher hasher,
        TimeProvider time)
    {
        _registry = registry;
        KernelBreaks = new KernelBreakCounter(registry, platform.CopyCounting);
        (_options, _platform, _time) = (options, platform, time);
        _budget = registry.OwnBudget;
        _agents = new AgentCheck(options, time);
        TracksWrites = options.TrackWrites && Shim.StartTracking() == 0;
        _team = new ScanTeam(options.ScannerThreads);
        _scan = new ChunkScan(options, hasher, _team);
        _advisor = new ScanAdvisor(
            options.TargetPassTime, options.PagesPerSecond, options.MinimumPagesPerSecond, time);
        _pacer = new ScanPacer(_advisor, options.CpuBudgetPercent, time, options.ScannerThreads);
        _idle = new IdlePolicy(options.IdleThresholdPercent, options.PressureLimitPercent);
        _thread = new Thread(Run) { IsBackground = true, Name = "PageShare scanner" };
        lock (registry.Gate)
        {
            TakeMappingLimit();
        }
    }

    /// <summary>What all passes did. Guard: the engine's lock.</summary>
    public MergeTally Totals { get; } = new();

    /// <summary>Passes that went over every guest. Guard: the engine's lock.</summary>
    public long FullScans { get; private set; }

    /// <summary>Whether the fault handler was found replaced. Nothing is merged any more then. Guard: the engine's
    /// lock.</summary>
    public bool HandlerWasReplaced { get; private set; }

    /// <summary>Why the last pass in the background could not go on; null if it could.</summary>
    public string? Shortage
    {
        get => Volatile.Read(ref _shortage);
        private set => Volatile.Write(ref _shortage, value);
    }

    /// <summary>What is wrong, in sentences. Guard: the engine's lock.</summary>
    public IEnumerable<string> Warnings => ScanWarnings.Of(_registry, this);

    /// <summary>Counts breaks in Kernel mode. Guard: the engine's lock.</summary>
    public KernelBreakCounter KernelBreaks { get; }

    /// <summary>How written pages are found: "pagemap" or "rehash".</summary>
    public string WriteTracking => TracksWrites ? "pagemap" : "rehash";

    /// <summary>Whether the kernel tells which pages were written; immutable.</summary>
    public bool TracksWrites { get; }

    /// <summary>Whether the background thread rests.</summary>
    public bool IsPaused
    {
        get => _pacer.IsPaused;
        set
        {
            _pacer.IsPaused = value;
            _wake.Set();
        }
    }

    /// <summary>Starts the background thread.</summary>
    public void Start() => _thread.Start();

    /// <summary>One full pass, now, on this thread; the background thread waits meanwhile.</summary>
    /// <param name="cancellation">Ends it between two stretches; the report says that it is not complete.</param>
    public PassReport RunPass(CancellationToken cancellation)
    {
        lock (_passLock)
        {
            var clock = Stopwatch.StartNew();
            var pass = BeginPass();
            var isComplete = false;
            while (!isComplete && !cancellation.IsCancellationRequested)
            {
                isComplete = !pass.Step(MostPagesAtOnce, out _, out _);
            }

            if (isComplete)
            {
                EndPass();
            }

            return pass.Tally.ToReport(isComplete, clock.Elapsed);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _stopping = true;
        _wake.Set();
        if (_thread.IsAlive)
        {
            _thread.Join();
        }

        _team.Dispose();
        lock (_registry.Gate)
        {
            KernelBreaks.Dispose();
        }
    }

    private void Run()
    {
        while (!_stopping)
        {
            try
            {
                RunOnce();
            }
            catch (Exception shortage) when (shortage is IOException or OutOfMemoryException)
            {
                // The system lacked something, or refused. Guests are right all the same, and nobody is here to be
                // told: the pass ends, and the next one tries again.
                lock (_passLock)
                {
                    _background = null;
                    Shortage = shortage.Message;
                }

                _ = ChargeRest();
            }

            _wake.Wait(_pacer.NextDelay);
            _wake.Reset();
        }
    }

    private void RunOnce()
    {
        Work();
        var rest = ChargeRest();
        lock (_registry.Gate)
        {
            Totals.CpuNanoseconds += rest;
        }
    }

    /// <summary>Charges what was done around the slices, which is the scanner's as well, falling asleep and waking up
    /// included; and a slice that failed.</summary>
    private long ChargeRest()
    {
        var rest = Shim.ThreadCpuNanoseconds() - _charged;
        _charged += rest;
        _pacer.Charge(0, rest);
        return rest;
    }

    private void Work()
    {
        SampleLoad();
        lock (_registry.Gate)
        {
            KernelBreaks.Drain(Totals);
        }

        var granted = _pacer.Grant(_options.ScanWhenBusy || _idle.MayScan);
        if (granted > 0)
        {
            lock (_passLock)
            {
                RunSlice(granted);
            }
        }
    }

    private void RunSlice(int granted)
    {
        // At each slice, since a pass may take minutes.
        lock (_registry.Gate)
        {
            UnshareIfHandlerWasReplaced();
        }

        while (granted > 0 && !_stopping && _pacer.CpuNanosecondsLeft > 0)
        {
            _background ??= BeginPass(mayTrustEvents: _passNumber % PassesThatTrustEvents != 0);
            var isMore = _background.Step(granted, out var pages, out var nanoseconds);
            _pacer.Charge(pages, nanoseconds + _background.HelperNanoseconds + _background.AgentNanoseconds);
            _charged += nanoseconds;
            granted -= Math.Max(1, pages);
            if (!isMore)
            {
                _advisor.ObservePass(_background.Tally.Changes, _background.Tally.CpuNanoseconds);
                _background = null;
                Shortage = null;
                EndPass();
                return; // with nothing to scan, a pass is over at once: the next one waits for the next grant
            }
        }
    }

    /// <summary>
    /// Begins a pass that the caller steps through, for tests and measurements; while it goes on nobody else may scan.
    /// </summary>
    /// <param name="mayTrustEvents">Whether the page table need not be asked for breaks that the kernel tells of by
    /// events, which is dear where there are many mappings.</param>
    public ScanPass BeginPass(bool mayTrustEvents = false)
    {
        _ = Shim.FillReserve((uint)_options.ReserveMappings); // as many as there are; the next pass tries again
        lock (_registry.Gate)
        {
            if (_time.GetElapsedTime(_limitTakenAt) > LimitLifetime)
            {
                TryTakeMappingLimit();
            }

            _advisor.Pages = _registry.Regions.Sum(static region => region.Pages);
            UnshareIfHandlerWasReplaced();
        }

        return new ScanPass(_registry, _scan, _agents, _passNumber, mayMerge: !HandlerWasReplaced, Totals)
        {
            AsksForCopies = !mayTrustEvents || !KernelBreaks.IsTold,
        };
    }

    /// <summary>
    /// Ends all sharing once somebody has taken the handler's place, and the background's pass with it, which was begun
    /// when it was allowed to merge. Guard: both locks.
    /// </summary>
    private void UnshareIfHandlerWasReplaced()
    {
        if (!HandlerWasReplaced && HandlerHealth.Check() == HandlerStatus.Replaced)
        {
            HandlerWasReplaced = true;
            _background = null;
            _mustUnshare = true;
        }

        if (!HandlerWasReplaced)
        {
            return;
        }

        // Kernel mode needs no handler to break, but one to seal; so what is shared there stays so. Other processes
        // have handlers of their own.
        var mustUnshare = _mustUnshare;
        _mustUnshare = false;
        foreach (var region in _registry.Regions.Where(static region => region.Ring is null))
        {
            region.HandlerWasReplaced = true;
            _mustUnshare |= mustUnshare && region.Spec.FaultMode == FaultMode.Signal
                && region.Orders.TryBreak(new PageNumber(0), region.Pages) < 0; // no memory: tried again
        }
    }

    /// <summary>Ends a pass that went to its end.</summary>
    public void EndPass()
    {
        lock (_registry.Gate)
        {
            _passNumber++;
            FullScans += _registry.Regions.Count > 0 ? 1 : 0;
            foreach (var budget in _registry.Budgets)
            {
                budget.EndPass();
            }

            TrimDomains();
        }
    }

    /// <summary>Takes back what guests have allocated by reading free frames, and what the index needs no more. What
    /// cannot be told or taken back now is tried again by the next pass.</summary>
    private void TrimDomains()
    {
        foreach (var domain in _registry.Domains)
        {
            try
            {
                domain.Store.Trim();
                domain.Index.TrimExcess();
            }
            catch (PlatformException)
            {
                // Wastes memory, and nothing else.
            }
        }
    }

    /// <summary>Enters what guests' agents have answered late. Guard: the engine's lock.</summary>
    public void EnterLate()
    {
        foreach (var region in _registry.Regions)
        {
            EnterLate(region);
        }
    }

    /// <summary>The same for one region. Guard: the engine's lock.</summary>
    public void EnterLate(GuestRegion region) => _scan.EnterLate(region, Totals);

    /// <summary>Half of what the kernel allows, less what the rest of the process uses. Guard: the engine's
    /// lock.</summary>
    private void TakeMappingLimit()
    {
        _limitTakenAt = _time.GetTimestamp();
        _budget.Limit = _options.MappingBudget
            ?? Math.Max(0, (_platform.MappingLimit / 2) - (_platform.CountMappings() - _budget.Used));
    }

    /// <summary>As above. Without a descriptor to spare the last limit holds on: no reason to end the
    /// process.</summary>
    private void TryTakeMappingLimit()
    {
        try
        {
            TakeMappingLimit();
        }
        catch (PlatformException)
        {
            // Tried again when this one is as old as the last.
        }
    }

    private void SampleLoad()
    {
        var now = _time.GetTimestamp();
        if (_lastLoadSample != 0 && _time.GetElapsedTime(_lastLoadSample, now) < IdlePolicy.SampleInterval)
        {
            return;
        }

        _lastLoadSample = now;
        MachineLoad? load = _platform.LoadSource.TryRead(out var sample) ? sample : null;
        var own = Shim.ThreadCpuNanoseconds() + _team.HelperNanoseconds;
        _idle.Observe(load, TimeSpan.FromTicks(own / TimeSpan.NanosecondsPerTick));
    }
}

using PageShare.Cli.Traces;
using PageShare.Platform;
using PageShare.Scan;

namespace PageShare.Cli.Tune.Simulation;

/// <summary>
/// The scanner's thread in virtual time: the engine's own advisor, pacer and idle policy decide when to scan and how
/// much, stores happen when they are due, and what is saved is looked at now and then.
/// </summary>
/// <remarks>The order of things is that of <see cref="Scanner"/>. Not thread-safe; each loop has a clock of its
/// own.</remarks>
internal sealed class ScanLoop
{
    private const int Samples = 240;

    private readonly ChangeSchedule _schedule;
    private readonly EngineOptions _options;
    private readonly IScannedGuests _guests;
    private readonly VirtualClock _clock = new();
    private readonly ScanAdvisor _advisor;
    private readonly ScanPacer _pacer;
    private readonly IdlePolicy _idle;
    private readonly List<OutcomeSample> _samples = [];
    private readonly TimeSpan _sampleInterval;
    private readonly int _cores;
    private readonly MachineCosts _costs;
    private int _nextStore;
    private bool _isInPass;
    private long _scannerNanoseconds;
    private long _passNanoseconds;
    private TimeSpan _mappingsCountedAt;
    private long _changes; // before the pass under way
    private TimeSpan _sampleDue;
    private TimeSpan _loadDue;
    private TimeSpan _loadAt;
    private MachineLoad _load;

    /// <param name="schedule">What happens when.</param>
    /// <param name="options">How the scanner is set.</param>
    /// <param name="guests">The guests; they are this loop's from now on.</param>
    /// <param name="costs">What the thread takes beside the passes' steps.</param>
    public ScanLoop(ChangeSchedule schedule, EngineOptions options, IScannedGuests guests, MachineCosts costs)
    {
        _costs = costs;
        _schedule = schedule;
        _options = options;
        _guests = guests;
        _cores = Environment.ProcessorCount;
        _sampleInterval = schedule.Duration / Samples;
        _advisor = new ScanAdvisor(
            options.TargetPassTime, options.PagesPerSecond, options.MinimumPagesPerSecond, _clock)
        {
            Pages = guests.Pages,
        };
        _pacer = new ScanPacer(_advisor, options.CpuBudgetPercent, _clock);
        _idle = new IdlePolicy(options.IdleThresholdPercent, options.PressureLimitPercent);
    }

    /// <summary>Runs from the first store to the end of the schedule.</summary>
    /// <param name="stop">Ends it early, with an exception.</param>
    public Outcome Run(CancellationToken stop = default)
    {
        while (_clock.Elapsed < _schedule.Duration)
        {
            stop.ThrowIfCancellationRequested();
            StoreWhatIsDue();
            SampleLoad();
            RunSlice(_pacer.Grant(_options.ScanWhenBusy || _idle.MayScan));
            Spend(_costs.Wake);
            Advance(_pacer.NextDelay);
        }

        StoreWhatIsDue();
        return new Outcome(_options, [.. _samples], _schedule.Duration);
    }

    private void RunSlice(int granted)
    {
        while (granted > 0 && _pacer.CpuNanosecondsLeft > 0)
        {
            if (!_isInPass)
            {
                BeginPass();
            }

            bool isMore = _guests.Step(granted, out int pages, out long nanoseconds);
            _scannerNanoseconds += nanoseconds;
            _pacer.Charge(pages, nanoseconds);
            Advance(TimeSpan.FromTicks(nanoseconds / TimeSpan.NanosecondsPerTick));
            StoreWhatIsDue();
            _passNanoseconds += nanoseconds;
            granted -= Math.Max(1, pages);
            _isInPass = isMore;
            if (!isMore)
            {
                _advisor.ObservePass(_guests.Changes - _changes, _passNanoseconds);
                (_changes, _passNanoseconds) = (_guests.Changes, 0);
                return;
            }
        }
    }

    private void BeginPass()
    {
        Spend(_costs.Pass);
        if (_options.MappingBudget is null && _clock.Elapsed - _mappingsCountedAt > Scanner.LimitLifetime)
        {
            Spend(_costs.CountMapping * _guests.Mappings);
            _mappingsCountedAt = _clock.Elapsed;
        }
    }

    /// <summary>CPU time beside the passes' steps.</summary>
    private void Spend(double nanoseconds)
    {
        _pacer.Charge(0, (long)nanoseconds);
        _scannerNanoseconds += (long)nanoseconds;
    }

    private void Advance(TimeSpan by)
    {
        // In steps, so that samples are taken when they are due and not after a long sleep.
        for (TimeSpan end = _clock.Elapsed + by; _clock.Elapsed < end;)
        {
            TimeSpan next = _sampleDue < end ? _sampleDue : end;
            _clock.Advance(next > _clock.Elapsed ? next - _clock.Elapsed : TimeSpan.Zero);
            if (_clock.Elapsed >= _sampleDue && _sampleDue <= _schedule.Duration)
            {
                StoreWhatIsDue();
                _samples.Add(new OutcomeSample(_sampleDue, _guests.Look(), _scannerNanoseconds));
                _sampleDue += _sampleInterval;
            }
            else if (_sampleDue > _schedule.Duration)
            {
                _sampleDue = TimeSpan.MaxValue;
            }
        }
    }

    private void StoreWhatIsDue()
    {
        ReadOnlySpan<PageStore> stores = _schedule.Stores;
        long now = _clock.Elapsed.Ticks;
        while (_nextStore < stores.Length && stores[_nextStore].At <= now)
        {
            _guests.Store(stores[_nextStore++]);
        }
    }

    private void SampleLoad()
    {
        if (_clock.Elapsed < _loadDue)
        {
            return;
        }

        _loadDue = _clock.Elapsed + IdlePolicy.SampleInterval;
        IntervalLoad now = LoadAt(_clock.Elapsed);
        TimeSpan own = TimeSpan.FromTicks(_scannerNanoseconds / TimeSpan.NanosecondsPerTick);
        TimeSpan total = (_clock.Elapsed - _loadAt) * _cores;
        TimeSpan idle = total * (now.IdlePercent / 100);
        _loadAt = _clock.Elapsed;

        // The scanner works in what the trace's machine left idle, and the policy takes it for idle time again.
        _load = new MachineLoad(_load.Idle + idle, _load.Busy + total - idle, now.CpuPressurePercent);
        _idle.Observe(_load with { Idle = _load.Idle - own, Busy = _load.Busy + own }, own);
    }

    private IntervalLoad LoadAt(TimeSpan time)
    {
        IReadOnlyList<TraceMoment> moments = _schedule.Trace.Moments;
        for (int i = 1; i < moments.Count; i++)
        {
            if (time <= moments[i].At)
            {
                return moments[i].Load ?? Idle;
            }
        }

        return moments[^1].Load ?? Idle;
    }

    private static IntervalLoad Idle => new(100, null);
}

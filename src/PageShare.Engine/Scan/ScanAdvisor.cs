namespace PageShare.Scan;

/// <summary>
/// Finds how many pages per second to scan: so many that a pass finds little changed, if that is cheap, and no fewer
/// than let a full pass take the target time.
/// </summary>
/// <remarks>
/// <para>The target is the idea of KSM's scan-time advisor (Linux Documentation/admin-guide/mm/ksm.rst): the user says
/// how old knowledge may be at most, and the rate follows the amount of memory. KSM corrects its rate by the time that
/// the last pass took. Here the rate is pages by pass time directly, since a pass that a busy machine slowed down is no
/// reason to hurry afterwards. The amount is smoothed, so that a new guest does not double the load from one moment to
/// the next.</para>
/// <para>A pass over memory that nobody wrote costs next to nothing where the kernel tracks writes, so passes follow
/// one another as quickly as a hundredth of a core pays for. And where memory changes they follow the changes: as soon
/// as about one page in a hundred has some. No pass is shorter than a fortieth of the target, since each makes the first
/// store to a page dearer. One dear pass, which may have found what takes time and is rare, does not make the next much
/// longer: it takes at most twice the time.</para>
/// <para>The CPU budget does not bound the rate: <see cref="ScanPacer"/> holds it, by the CPU time that was really
/// taken. To lower the rate to what the budget pays for at the measured cost of a page was tried: pages that were dear
/// once, as the first ones are while code is compiled, were paid for again and again.</para>
/// <para>Not thread-safe, but for <see cref="Pages"/>: the scanner's thread owns it.</para>
/// </remarks>
internal sealed class ScanAdvisor
{
    /// <summary>Shortest pass, as part of the target.</summary>
    public const double ShortestShare = 1 / 40.0;

    // What hashing and merging a page costs on the machines measured so far.
    private const double AssumedNanosecondsPerPage = 2000;

    // Pages over which the cost is averaged: some slices, which differ by what they find.
    private const double CostWindowPages = 4096;

    private const double NanosecondsPerSecond = 1e9;

    // What passes may cost that find nothing, and what they may cost while the machine is busy; of one core.
    private const double ShareAtRest = 0.01;
    private const double ShareWhenBusy = 0.01;

    // Part of the pages that are to have changed when the next pass ends.
    private const double ChangedShare = 0.01;

    private readonly TimeProvider _time;
    private readonly double _targetSeconds;
    private readonly double _shortestSeconds;
    private readonly double _smoothingSeconds;
    private readonly int _fixedPagesPerSecond;
    private readonly int _minimumPagesPerSecond;

    private long _pages;
    private double? _smoothedPages;
    private double _passSeconds;
    private long _lastPass;
    private long _lastAdvice;

    /// <param name="targetPassTime">How long a full pass should take at most.</param>
    /// <param name="pagesPerSecond">Above 0: the rate itself, whatever the target. 0: find it.</param>
    /// <param name="minimumPagesPerSecond">Never less than this.</param>
    /// <param name="time">The clock.</param>
    public ScanAdvisor(TimeSpan targetPassTime, int pagesPerSecond, int minimumPagesPerSecond, TimeProvider time)
    {
        _time = time;
        _targetSeconds = targetPassTime.TotalSeconds;

        // A tenth of a pass: quick enough to matter within the pass in which the amount of memory changed.
        _smoothingSeconds = _targetSeconds / 10;
        _fixedPagesPerSecond = pagesPerSecond;
        _minimumPagesPerSecond = minimumPagesPerSecond;
        _lastAdvice = _lastPass = time.GetTimestamp();
        _shortestSeconds = _targetSeconds * ShortestShare;
        _passSeconds = _shortestSeconds; // what is not known yet has all changed
    }

    /// <summary>Pages that a full pass goes over now. Any thread may set it.</summary>
    public long Pages
    {
        get => Interlocked.Read(ref _pages);
        set => Interlocked.Exchange(ref _pages, value);
    }

    /// <summary>Average CPU time of a page, measured over the last few thousand.</summary>
    public double NanosecondsPerPage { get; private set; } = AssumedNanosecondsPerPage;

    /// <summary>
    /// Pages per second while the machine is busy: what a hundredth of a core pays for, or the minimum if that is more,
    /// unless the fixed rate is lower still.
    /// </summary>
    public int FloorPagesPerSecond
    {
        get
        {
            var affordable = Math.Min(int.MaxValue, ShareWhenBusy * NanosecondsPerSecond / NanosecondsPerPage);
            var floor = Math.Max(_minimumPagesPerSecond, (int)affordable);
            return _fixedPagesPerSecond > 0 ? Math.Min(_fixedPagesPerSecond, floor) : floor;
        }
    }

    /// <summary>Takes in what a slice cost.</summary>
    public void ObserveCost(int pages, long cpuNanoseconds)
    {
        if (pages <= 0 || cpuNanoseconds < 0)
        {
            return;
        }

        var cost = Math.Max(1, (double)cpuNanoseconds / pages);
        NanosecondsPerPage += (1 - Math.Exp(-pages / CostWindowPages)) * (cost - NanosecondsPerPage);
    }

    /// <summary>Takes in what a full pass found.</summary>
    /// <param name="changes">Pages whose content was new, or whose sharing began or ended.</param>
    /// <param name="cpuNanoseconds">What it cost.</param>
    public void ObservePass(long changes, long cpuNanoseconds)
    {
        var now = _time.GetTimestamp();
        var seconds = _time.GetElapsedTime(_lastPass, now).TotalSeconds;
        _lastPass = now;
        var whenCheap = cpuNanoseconds / NanosecondsPerSecond / ShareAtRest;
        var whenChanged = changes > 0 ? ChangedShare * Pages * seconds / changes : _targetSeconds;
        _passSeconds = Math.Clamp(
            Math.Min(whenCheap, whenChanged), _shortestSeconds, Math.Min(2 * _passSeconds, _targetSeconds));
    }

    /// <summary>Pages per second to scan now while the machine is idle, at least 1.</summary>
    public int Advise()
    {
        var now = _time.GetTimestamp();
        var elapsedSeconds = _time.GetElapsedTime(_lastAdvice, now).TotalSeconds;
        _lastAdvice = now;

        double rate = _fixedPagesPerSecond;
        if (_fixedPagesPerSecond == 0)
        {
            rate = Math.Max(_minimumPagesPerSecond, SmoothPages(elapsedSeconds) / _passSeconds);
        }

        return (int)Math.Clamp(rate, 1, int.MaxValue);
    }

    private double SmoothPages(double elapsedSeconds)
    {
        // From nothing there is nothing to smooth: the first guest is scanned at its rate at once.
        double pages = Pages;
        var next = _smoothedPages is { } smoothed
            ? smoothed + ((1 - Math.Exp(-elapsedSeconds / _smoothingSeconds)) * (pages - smoothed))
            : pages;
        _smoothedPages = pages > 0 ? next : null;
        return next;
    }
}

namespace PageShare.Scan;

/// <summary>
/// Finds how many pages per second to scan so that a full pass takes the target time.
/// </summary>
/// <remarks>
/// The idea is KSM's scan-time advisor (Linux Documentation/admin-guide/mm/ksm.rst): the user says how old knowledge
/// may be, and the rate follows the amount of memory. KSM corrects its rate by the time that the last pass took. Here
/// the rate is pages by target time directly, since a pass that a busy machine slowed down is no reason to hurry
/// afterwards. It is smoothed, so that a new guest does not double the load from one moment to the next, and bounded by
/// what the CPU budget pays for at the measured cost of a page.
/// Not thread-safe, but for <see cref="Pages"/>: the scanner's thread owns it.
/// </remarks>
internal sealed class ScanAdvisor
{
    // What hashing and merging a page costs on the machines measured so far. Counts only until the first slice is done.
    private const double AssumedNanosecondsPerPage = 2000;

    // Pages over which the cost is averaged: some slices, which differ by what they find.
    private const double CostWindowPages = 4096;

    private const double NanosecondsPerSecond = 1e9;

    private readonly TimeProvider _time;
    private readonly double _targetSeconds;
    private readonly double _smoothingSeconds;
    private readonly int _fixedPagesPerSecond;
    private readonly int _minimumPagesPerSecond;
    private readonly double _budgetNanosecondsPerSecond;

    private long _pages;
    private double? _smoothedRate;
    private long _lastAdvice;
    private bool _costMeasured;

    /// <param name="targetPassTime">How long a full pass should take.</param>
    /// <param name="pagesPerSecond">Above 0: the rate itself, whatever the target. 0: find it.</param>
    /// <param name="minimumPagesPerSecond">Never less than this, unless a budget says so.</param>
    /// <param name="cpuBudgetPercent">Of one core.</param>
    /// <param name="time">The clock.</param>
    public ScanAdvisor(
        TimeSpan targetPassTime,
        int pagesPerSecond,
        int minimumPagesPerSecond,
        double cpuBudgetPercent,
        TimeProvider time)
    {
        _time = time;
        _targetSeconds = targetPassTime.TotalSeconds;

        // A tenth of a pass: quick enough to matter within the pass in which the amount of memory changed.
        _smoothingSeconds = _targetSeconds / 10;
        _fixedPagesPerSecond = pagesPerSecond;
        _minimumPagesPerSecond = minimumPagesPerSecond;
        _budgetNanosecondsPerSecond = cpuBudgetPercent / 100 * NanosecondsPerSecond;
        _lastAdvice = time.GetTimestamp();
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
    /// Pages per second while the machine is busy: the minimum, unless the fixed rate is lower still.
    /// </summary>
    public int FloorPagesPerSecond =>
        _fixedPagesPerSecond > 0 ? Math.Min(_fixedPagesPerSecond, _minimumPagesPerSecond) : _minimumPagesPerSecond;

    /// <summary>Takes in what a slice cost.</summary>
    public void ObserveCost(int pages, long cpuNanoseconds)
    {
        if (pages <= 0 || cpuNanoseconds < 0)
        {
            return;
        }

        var cost = Math.Max(1, (double)cpuNanoseconds / pages);
        var weight = _costMeasured ? 1 - Math.Exp(-pages / CostWindowPages) : 1;
        NanosecondsPerPage += weight * (cost - NanosecondsPerPage);
        _costMeasured = true;
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
            rate = Math.Max(_minimumPagesPerSecond, Smooth(Pages / _targetSeconds, elapsedSeconds));
        }

        return (int)Math.Clamp(rate, 1, Math.Clamp(_budgetNanosecondsPerSecond / NanosecondsPerPage, 1, int.MaxValue));
    }

    private double Smooth(double wanted, double elapsedSeconds)
    {
        // From nothing there is nothing to smooth: the first guest is scanned at its rate at once.
        var next = _smoothedRate is { } rate
            ? rate + ((1 - Math.Exp(-elapsedSeconds / _smoothingSeconds)) * (wanted - rate))
            : wanted;
        _smoothedRate = wanted > 0 ? next : null;
        return next;
    }
}

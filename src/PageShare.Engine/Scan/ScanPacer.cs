namespace PageShare.Scan;

/// <summary>
/// Says slice by slice how many pages the scanner may go over now.
/// </summary>
/// <remarks>
/// <para>
/// Two token buckets must both pay for a slice. The one holds pages and fills at the advised rate, or at the floor
/// while the machine is busy. The other holds nanoseconds of CPU time, of all threads together, and fills at the CPU
/// budget. A slice is charged with what it really cost; if that was more than the bucket held, the debt is paid off
/// before the next grant. So a dear slice (at first, code is compiled) is paid for once: what pages are believed to cost
/// bounds a grant, and not how fast the buckets fill; but for the floor, which is a share of a core as well.
/// </para>
/// <para>
/// The budget is a promise that can be checked from outside: no window of one second holds more of the scanner's CPU
/// time than the budget allows. A bucket that filled at the whole budget would break it by its burst, so
///     fill rate x 1 s (92 %)  +  full bucket (5 %)  +  overrun of the last slice (3 %)  =  the budget of a second.
/// The 3 % are the scanner's to keep: it stops a slice when <see cref="CpuNanosecondsLeft"/> are used, looking after
/// every batch. The floor is bounded by the budget too: between "never stops" and "never takes more than" the second
/// was promised to others. From 100 % a thread on, the threads cannot exceed the budget, and it fills at the whole rate.
/// </para>
/// <para>
/// No method waits: the scanner sleeps <see cref="NextDelay"/> in a way that a pause or an end can cut short.
/// Thread safety: the scanner's thread owns it, but any thread may set <see cref="IsPaused"/>.
/// </para>
/// </remarks>
internal sealed class ScanPacer
{
    // How long the buckets fill, at full rate, before a slice is worth waking up for, and how much they can hold: the
    // second bounds the burst after a long sleep.
    private static readonly TimeSpan SliceTime = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan PageBurst = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan CpuBurst = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestDelay = TimeSpan.FromMilliseconds(250);

    private const double FillShare = 0.92;

    // A slow rate saves up this many pages: neighbours that are merged together cost a tenth of single pages.
    private const int QuantumPages = 64;

    // Dear pages are believed after few of them, cheap ones after several charges: a grant that was too small costs a
    // little time, one that was too large breaks the promise. Charges, however few pages they are for: the dearer pages
    // are believed to be, the fewer are granted, and a cost that pages had to disprove would be believed for seconds.
    private const double DearerWindowPages = 16;
    private const double CheaperShare = 1 / 16.0;

    private const double NanosecondsPerSecond = 1e9;

    private readonly TimeProvider _time;
    private readonly ScanAdvisor _advisor;
    private readonly double _cpuNanosecondsPerSecond;
    private readonly double _cpuCapacity;

    private long _lastFill;
    private double _pagesPerSecond;
    private double _pageTokens;
    private double _cpuTokens;
    private double _guardedNanosecondsPerPage;
    private int _granted;
    private long _usedOfGrant;

    // Set by any thread, read by the scanner's; nothing else is published through it.
    private volatile bool _paused;

    /// <param name="advisor">Gives the rate; learns each slice's cost.</param>
    /// <param name="cpuBudgetPercent">Of one core, above 0.</param>
    /// <param name="time">The clock.</param>
    /// <param name="threads">Threads that scan.</param>
    public ScanPacer(ScanAdvisor advisor, double cpuBudgetPercent, TimeProvider time, int threads = 1)
    {
        _advisor = advisor;
        _time = time;
        var budget = Math.Min(threads, cpuBudgetPercent / 100) * NanosecondsPerSecond;
        _cpuNanosecondsPerSecond = cpuBudgetPercent >= 100 * threads ? budget : FillShare * budget;
        _cpuCapacity = budget * CpuBurst.TotalSeconds;
        _cpuTokens = _cpuCapacity;
        _guardedNanosecondsPerPage = advisor.NanosecondsPerPage;
        _pagesPerSecond = advisor.FloorPagesPerSecond;
        _lastFill = time.GetTimestamp();
    }

    /// <summary>While true nothing is granted, the floor neither.</summary>
    public bool IsPaused
    {
        get => _paused;
        set => _paused = value;
    }

    /// <summary>CPU time that the slice under way may take before it must end; not below 0.</summary>
    public long CpuNanosecondsLeft => (long)Math.Max(0, _cpuTokens);

    /// <summary>
    /// How long to sleep before asking again, at most a quarter of a second, so that a change of load shows soon. Zero
    /// if another slice is paid for already and the last one used all it was granted: a scanner that ran out of pages
    /// would go over the same few again and again, and one that found none at all would spin.
    /// </summary>
    public TimeSpan NextDelay
    {
        get
        {
            if (_paused || (_granted > 0 && _usedOfGrant == 0))
            {
                return LongestDelay;
            }

            var pages = Math.Min(PageCapacity, Math.Max(QuantumPages, _pagesPerSecond * SliceTime.TotalSeconds));
            var cpu = Math.Min(
                _cpuCapacity,
                Math.Max(_guardedNanosecondsPerPage, _cpuNanosecondsPerSecond * SliceTime.TotalSeconds));
            var seconds = Math.Max(
                (pages - _pageTokens) / _pagesPerSecond,
                (cpu - _cpuTokens) / _cpuNanosecondsPerSecond);

            // Rounded up: a sleep that ends a moment early would find the bucket not quite full and sleep again.
            var shortest = _usedOfGrant < _granted ? SliceTime : TimeSpan.Zero;
            var milliseconds = Math.Ceiling(
                Math.Clamp(seconds * 1000, shortest.TotalMilliseconds, LongestDelay.TotalMilliseconds));
            return TimeSpan.FromMilliseconds(milliseconds);
        }
    }

    private double PageCapacity => Math.Max(QuantumPages, _pagesPerSecond * PageBurst.TotalSeconds);

    /// <summary>How many pages to go over now. Asking spends nothing: <see cref="Charge"/> does.</summary>
    /// <param name="mayScan">Whether the machine is idle; if not, the floor applies.</param>
    /// <returns>0 if it is not time yet, or paused.</returns>
    public int Grant(bool mayScan)
    {
        Fill();
        var advised = _advisor.Advise();
        _pagesPerSecond = mayScan ? advised : Math.Min(advised, _advisor.FloorPagesPerSecond);
        _pageTokens = Math.Min(_pageTokens, PageCapacity);
        _granted = 0;
        _usedOfGrant = 0;
        if (_paused)
        {
            return 0;
        }

        var affordable = Math.Floor(_cpuTokens / _guardedNanosecondsPerPage);
        if (affordable < 1 && _cpuTokens >= _cpuCapacity)
        {
            // One page costs more than the bucket can ever hold. Waiting longer would not help, so go into debt for it:
            // the budget then holds over a longer window.
            affordable = 1;
        }

        _granted = (int)Math.Clamp(Math.Min(Math.Floor(_pageTokens), affordable), 0, int.MaxValue);
        return _granted;
    }

    /// <summary>Pays for work done. May be called several times a slice.</summary>
    /// <param name="pages">
    /// Pages gone over, those skipped as clean or absent included: a pass is over all of them.
    /// </param>
    /// <param name="cpuNanoseconds">CPU time of all threads that it took, native code included.</param>
    public void Charge(int pages, long cpuNanoseconds)
    {
        Fill();
        _pageTokens -= Math.Max(0, pages);
        _usedOfGrant += Math.Max(0, pages);
        _cpuTokens -= Math.Max(0, cpuNanoseconds);
        _advisor.ObserveCost(pages, cpuNanoseconds);
        if (pages > 0 && cpuNanoseconds >= 0)
        {
            var cost = Math.Max(1, (double)cpuNanoseconds / pages);
            var share = cost > _guardedNanosecondsPerPage ? 1 - Math.Exp(-pages / DearerWindowPages) : CheaperShare;
            _guardedNanosecondsPerPage += share * (cost - _guardedNanosecondsPerPage);
        }
    }

    private void Fill()
    {
        var now = _time.GetTimestamp();
        var seconds = Math.Max(0, _time.GetElapsedTime(_lastFill, now).TotalSeconds);
        _lastFill = now;
        _pageTokens = Math.Min(PageCapacity, _pageTokens + (seconds * _pagesPerSecond));
        _cpuTokens = Math.Min(_cpuCapacity, _cpuTokens + (seconds * _cpuNanosecondsPerSecond));
    }
}

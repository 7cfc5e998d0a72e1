using System.Diagnostics;

namespace PageShare.Cli.Run;

/// <summary>
/// A guest's working life: one thread that writes at a given rate and reads beside it, in bursts, checking all that it
/// reads against the guest's record.
/// </summary>
/// <remarks>
/// One thread a guest, so that the record always says what this thread wrote last and a check is exact. The scanner and
/// the other guests run beside it. <see cref="Start"/> and <see cref="Stop"/> belong to one thread; the counts may be
/// read by any.
/// </remarks>
internal sealed class GuestWorkload : IDisposable
{
    private const int LongestRun = 64;
    private const int ShortestPauseMilliseconds = 10;
    private const int LongestPauseMilliseconds = 50;

    private readonly MappedGuest _guest;
    private readonly GuestRecord _record;
    private readonly WorkPace _reads;
    private readonly WorkPace _writes;
    private readonly Action _onFault;
    private readonly byte[] _expected = new byte[Quantity.PageBytes];
    private readonly ManualResetEvent _stop = new(initialState: false);
    private readonly Thread _thread;
    private SeededRandom _random;
    private bool _started;
    private long _pagesWritten;
    private long _pagesRead;

    /// <summary>Prepares a guest's work.</summary>
    /// <param name="guest">Whose memory it works on.</param>
    /// <param name="record">Knows what the memory must hold, and takes note of each write.</param>
    /// <param name="rates">What this guest does in a second.</param>
    /// <param name="seed">Chooses pages and kinds of change.</param>
    /// <param name="onFault">Called once, on the guest's thread, when <see cref="Fault"/> is set.</param>
    public GuestWorkload(MappedGuest guest, GuestRecord record, WorkRates rates, ulong seed, Action onFault)
    {
        _guest = guest;
        _record = record;
        _reads = new WorkPace(rates.ReadsPerSecond);
        _writes = new WorkPace(rates.WritesPerSecond);
        _random = new SeededRandom(seed);
        _onFault = onFault;
        _thread = new Thread(Work) { Name = guest.Name, IsBackground = true };
    }

    /// <summary>Pages written so far.</summary>
    public long PagesWritten => Interlocked.Read(ref _pagesWritten);

    /// <summary>Pages read and checked so far.</summary>
    public long PagesRead => Interlocked.Read(ref _pagesRead);

    /// <summary>What ended the work early: a page that did not hold what the guest wrote, or a file that changed. Null
    /// while all is well. Read it after <see cref="Stop"/>.</summary>
    public string? Fault { get; private set; }

    /// <summary>Starts to work.</summary>
    public void Start()
    {
        _started = true;
        _thread.Start();
    }

    /// <summary>Ends the work, and returns when it has ended.</summary>
    public void Stop()
    {
        _stop.Set();
        if (_started)
        {
            _thread.Join();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Stop();
        _stop.Dispose();
    }

    private void Work()
    {
        try
        {
            var clock = Stopwatch.StartNew();
            while (Fault is null && !_stop.WaitOne(Pause()))
            {
                TimeSpan elapsed = clock.Elapsed;
                ForRuns(_writes.Due(elapsed), WritePage);
                ForRuns(_reads.Due(elapsed), ReadPage);
            }
        }
        catch (CommandException changed)
        {
            Fault = changed.Message;
        }

        if (Fault is not null)
        {
            _onFault();
        }
    }

    private int Pause() =>
        (int)(ShortestPauseMilliseconds + _random.Below(LongestPauseMilliseconds - ShortestPauseMilliseconds));

    /// <summary>Visits so many pages: mostly one here and one there, now and then a stretch in order.</summary>
    private void ForRuns(int pages, Action<long> visit)
    {
        while (pages > 0 && Fault is null)
        {
            long first = _random.Below(_record.Pages);
            long run = _random.Below(8) == 0 ? 1 + _random.Below(LongestRun) : 1;
            run = Math.Min(Math.Min(run, pages), _record.Pages - first);
            for (long page = first; page < first + run && Fault is null && !_stop.WaitOne(0); page++)
            {
                visit(page);
            }

            pages -= (int)run;
        }
    }

    private void WritePage(long page)
    {
        PageChange change = _random.Below(16) switch
        {
            0 => PageChange.Clear,
            1 => PageChange.Reload,
            2 or 3 => PageChange.Rewrite,
            _ => PageChange.Patch,
        };
        _record.Change(page, change, _guest.AsSpan(page * Quantity.PageBytes, Quantity.PageBytes));
        Interlocked.Increment(ref _pagesWritten);
    }

    private void ReadPage(long page)
    {
        // Guests hardly ever read what they have freed, and each such read brings a page back that had been saved.
        if (_record.IsKnownZero(page) && _random.Below(16) != 0)
        {
            return;
        }

        _record.Expect(page, _expected);
        if (!_guest.AsSpan(page * Quantity.PageBytes, Quantity.PageBytes).SequenceEqual(_expected))
        {
            Fault = PageMismatch.Describe(_guest, _record, page, _expected);
            return;
        }

        Interlocked.Increment(ref _pagesRead);
    }
}

using PageShare.Platform;

namespace PageShare.Scan;

/// <summary>The scanner's threads: the one that scans, and helpers that take a part of the pages to be read.</summary>
/// <remarks>
/// <para>Obvious and wrong: helpers that go their own way, ahead of the scanner. A guest may be gone, or another's memory
/// be in its place, while its pages are read. So no helper ever works by itself: whoever scans begins a piece of work while
/// it holds the engine's lock, without which no guest is taken out, resized or let go, and ends it before it lets go of the
/// lock. <see cref="TeamWork.End"/> returns when no helper is at it any more, whatever happens. What one thread may touch
/// then, all may.</para>
/// <para>Merging is not divided. It was tried: whatever changes a mapping interrupts each processor that runs a thread of
/// the same process, and takes the lock of all its mappings. Two threads that merged in one process took 1.4 times the
/// CPU time of one, and more time. So no work is under way while orders are carried out for what was found: helpers sleep
/// then, and cost it nothing.</para>
/// <para>A helper that is late finds nothing left to do. So where the machine is busy, many threads do what one does, and no
/// worse.</para>
/// <para>Lock order: the engine's lock, then one of these, held for moments. Guard of <see cref="Begin"/>: the engine's
/// lock; the rest is thread-safe.</para>
/// </remarks>
internal sealed class ScanTeam : IDisposable
{
    private readonly Lock _starting = new();
    private readonly object _gate = new();
    private readonly List<Thread> _helpers = []; // guard: _starting
    private readonly int _wanted;
    private TeamWork? _work; // guard: _gate; the newest, done or not
    private bool _isEnding;  // guard: _gate, and _starting for those that start
    private long _nanoseconds;

    /// <param name="threads">Threads in all, the scanning one included; 1 or more.</param>
    public ScanTeam(int threads) => _wanted = threads - 1;

    /// <summary>Threads in all, the scanning one included; immutable.</summary>
    public int Threads => _wanted + 1;

    /// <summary>CPU time that the helpers have used for parts that are done, native code included, and for coming to them;
    /// grows. Any thread may read it.</summary>
    public long HelperNanoseconds => Interlocked.Read(ref _nanoseconds);

    /// <summary>Begins a piece of work, which helpers that are free take parts of from now on.</summary>
    /// <param name="parts">How many parts.</param>
    /// <param name="doPart">Does one, from 0; on any thread, side by side with others.</param>
    /// <returns>The work, to be ended by the caller.</returns>
    public TeamWork Begin(int parts, Action<int> doPart)
    {
        var work = new TeamWork(parts, doPart);
        if (parts > 1 && _wanted > 0 && TryStartHelpers())
        {
            lock (_gate)
            {
                _work = work;
                for (var helpers = Math.Min(parts - 1, _wanted); helpers > 0; helpers--)
                {
                    Monitor.Pulse(_gate);
                }
            }
        }

        return work;
    }

    /// <summary>Ends the helpers, and waits for them. All work after that is done by whoever asks for it.</summary>
    public void Dispose()
    {
        lock (_starting)
        {
            lock (_gate)
            {
                _isEnding = true;
                Monitor.PulseAll(_gate);
            }

            _helpers.ForEach(static helper => helper.Join());
            _helpers.Clear();
        }
    }

    /// <summary>Starts the helpers when there is something to do for them for the first time. Those that the system has no
    /// means for are done without.</summary>
    private bool TryStartHelpers()
    {
        lock (_starting)
        {
            while (_helpers.Count < _wanted && !_isEnding)
            {
                try
                {
                    var helper = new Thread(Help) { IsBackground = true, Name = $"PageShare scanner {_helpers.Count + 2}" };
                    helper.Start();
                    _helpers.Add(helper);
                }
                catch (OutOfMemoryException)
                {
                    break; // tried again with the next piece
                }
            }

            return _helpers.Count > 0;
        }
    }

    private void Help()
    {
        var counted = Shim.ThreadCpuNanoseconds();
        TeamWork? last = null;
        while (Next(last) is { } work)
        {
            last = work;
            while (work.TryDoPart(CountTime))
            {
            }

            CountTime(); // for coming in vain
        }

        // Before the part counts as done, so that who has waited for it finds all time in the sum.
        void CountTime()
        {
            var now = Shim.ThreadCpuNanoseconds();
            Interlocked.Add(ref _nanoseconds, now - counted);
            counted = now;
        }
    }

    /// <summary>Waits for other work than the last; null when there will be none.</summary>
    private TeamWork? Next(TeamWork? last)
    {
        lock (_gate)
        {
            while (_work == last && !_isEnding)
            {
                Monitor.Wait(_gate);
            }

            return _isEnding ? null : _work;
        }
    }
}

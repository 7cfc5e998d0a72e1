using PageShare.Scan;

namespace PageShare.UnitTests.Scan;

/// <summary>
/// The loop that a scanner's thread runs around the pacer, in simulated time: ask, work batch by batch, charge, sleep.
/// It keeps a ledger of the CPU time it used and when, for checks from outside the pacer.
/// </summary>
internal sealed class SimulatedScanner(ScanPacer pacer, SimulatedTime time)
{
    private readonly List<(TimeSpan Start, TimeSpan End)> _work = [];

    /// <summary>Pages of one unit of work, between which the scanner looks at its CPU clock.</summary>
    public int BatchPages { get; init; } = 32;

    /// <summary>Threads that divide each batch evenly.</summary>
    public int Threads { get; init; } = 1;

    /// <summary>CPU nanoseconds that a batch costs beside its pages.</summary>
    public double NanosecondsPerBatch { get; init; }

    /// <summary>CPU nanoseconds that the next batch's pages cost each.</summary>
    public required Func<double> NanosecondsPerPage { get; set; }

    /// <summary>How much later than asked for a sleep ends.</summary>
    public Func<TimeSpan> Oversleep { get; init; } = () => TimeSpan.Zero;

    public long Pages { get; private set; }

    public TimeSpan CpuTime { get; private set; }

    public void RunFor(TimeSpan duration, bool mayScan)
    {
        var end = time.Elapsed + duration;
        while (time.Elapsed < end)
        {
            var granted = pacer.Grant(mayScan);
            RunSlice(granted);
            var delay = pacer.NextDelay;
            Assert.True(granted > 0 || delay > TimeSpan.Zero, "Nothing granted and no sleep asked for: this spins.");
            time.Advance(delay + Oversleep());
        }
    }

    /// <summary>Most CPU time inside any window of this length: one that starts where some batch starts.</summary>
    public TimeSpan BusiestWindow(TimeSpan length)
    {
        var busiest = TimeSpan.Zero;
        var first = 0;
        var sum = TimeSpan.Zero;
        for (var last = 0; last < _work.Count; last++)
        {
            sum += _work[last].End - _work[last].Start;
            while (_work[last].End - _work[first].Start > length)
            {
                sum -= _work[first].End - _work[first].Start;
                first++;
            }

            busiest = sum > busiest ? sum : busiest;
        }

        return busiest * Threads;
    }

    private void RunSlice(int granted)
    {
        while (granted > 0)
        {
            var batch = Math.Min(granted, BatchPages);
            var nanoseconds = NanosecondsPerBatch + (batch * NanosecondsPerPage());
            var cpu = TimeSpan.FromTicks((long)Math.Ceiling(nanoseconds / TimeSpan.NanosecondsPerTick));
            var start = time.Elapsed;
            time.Advance(cpu / Threads);
            _work.Add((start, time.Elapsed));
            Pages += batch;
            CpuTime += cpu;
            granted -= batch;
            pacer.Charge(batch, cpu.Ticks * TimeSpan.NanosecondsPerTick);
            if (pacer.CpuNanosecondsLeft == 0)
            {
                return;
            }
        }
    }
}

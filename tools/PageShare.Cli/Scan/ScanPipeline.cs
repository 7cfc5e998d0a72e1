using System.Collections.Concurrent;
using PageShare.Cli.Scan.Count;
using PageShare.Cli.Scan.Targets;

namespace PageShare.Cli.Scan;

/// <summary>
/// Reads and digests pages by several threads, and counts them in order.
/// </summary>
/// <remarks>
/// Each thread takes the next unit of work, reads and digests it, and puts it into a ring at its place. Whoever then
/// finds the place due filled, and nobody counting, counts all that is there in a row. So the counter needs no lock,
/// each result is the same for any number of threads, and counting, some twentieth of the work, is never waited for.
/// Memory is bounded by the units of the pool: the one that is due is always with a thread that works on it, so the
/// others may wait for it.
/// </remarks>
internal sealed class ScanPipeline : IDisposable
{
    // 100 KiB of digests. Some milliseconds of work, so that a thread which the system takes off its processor holds
    // nobody up.
    private const int UnitsPerThread = 32;

    private readonly IPageSink _sink;
    private readonly CompressionSample? _compression;
    private readonly long _seed;
    private readonly UnitSequence _sequence;

    // The one used last is taken first, since it is still in the cache.
    private readonly BlockingCollection<ScanUnit> _pool = new(new ConcurrentStack<ScanUnit>());
    private readonly int _threads;

    // The ring, the place due, and whether somebody counts. Guard: the gate.
    private readonly Lock _gate = new();
    private readonly ScanUnit?[] _ring;
    private long _due;
    private bool _isCounting;

    // Only for who counts.
    private TargetTally? _tally;
    private bool _isBroken;

    private volatile Exception? _failure;

    /// <param name="targets">What to read, in order.</param>
    /// <param name="sink">Is given the pages.</param>
    /// <param name="threads">How many read.</param>
    /// <param name="compression">Is offered each page; null if nobody asks.</param>
    /// <param name="seed">Of the hash.</param>
    public ScanPipeline(
        IEnumerable<ScanTarget> targets,
        IPageSink sink,
        int threads,
        CompressionSample? compression = null,
        long seed = 0)
    {
        _sink = sink;
        _compression = compression;
        _seed = seed;
        _threads = threads;
        _sequence = new UnitSequence(targets);
        _ring = new ScanUnit?[threads * UnitsPerThread];
        for (int i = 0; i < _ring.Length; i++)
        {
            _pool.Add(new ScanUnit());
        }
    }

    /// <summary>Runs it to its end, or until stopped; then what was read so far is counted.</summary>
    /// <exception cref="CommandException">The count can't go on.</exception>
    public void Run(CancellationToken stop)
    {
        Thread[] workers =
        [
            .. Enumerable.Range(0, _threads).Select(number => new Thread(() => Work(stop))
            {
                Name = $"scan {number}",
                IsBackground = true,
            }),
        ];
        Array.ForEach(workers, worker => worker.Start());
        Array.ForEach(workers, worker => worker.Join());
        _sink.Seal();
        if (_failure is Exception failure)
        {
            throw failure is CommandException known
                ? known
                : new InvalidOperationException("A scanning thread failed.", failure);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _sequence.Dispose();
        _pool.Dispose();
    }

    private void Work(CancellationToken stop)
    {
        try
        {
            byte[] buffer = ScanUnit.NewBuffer();
            while (!stop.IsCancellationRequested && _failure is null)
            {
                if (!_pool.TryTake(out ScanUnit? unit, Timeout.Infinite, stop))
                {
                    return;
                }

                if (!_sequence.TryNext(unit))
                {
                    _pool.Add(unit, CancellationToken.None);
                    return;
                }

                unit.Process(buffer, _seed, _compression);
                HandIn(unit);
            }
        }
        catch (OperationCanceledException)
        {
            // Stopped while all units were in use: those are being counted.
        }
        catch (Exception unexpected)
        {
            // On the thread that waits for us it becomes a message; here it would end the process.
            _failure ??= unexpected;
            _pool.CompleteAdding();
        }
    }

    private void HandIn(ScanUnit unit)
    {
        lock (_gate)
        {
            _ring[unit.Sequence % _ring.Length] = unit;
            if (_isCounting)
            {
                return;
            }

            _isCounting = true;
        }

        while (TakeDue() is ScanUnit due)
        {
            Count(due);
            if (_failure is null)
            {
                _pool.Add(due, CancellationToken.None);
            }
        }
    }

    private ScanUnit? TakeDue()
    {
        lock (_gate)
        {
            ref ScanUnit? place = ref _ring[_due % _ring.Length];
            ScanUnit? unit = place;
            place = null;
            _isCounting = unit is not null;
            _due += _isCounting ? 1 : 0;
            return unit;
        }
    }

    private void Count(ScanUnit unit)
    {
        switch (unit.Kind)
        {
            case UnitKind.Begin:
                _tally = _sink.Begin(unit.Target);
                _isBroken = false;
                break;
            case UnitKind.End:
                _tally!.IsComplete = unit.Target.Problems.Count == 0;
                unit.Target.Dispose();
                break;
            case UnitKind.Pages when _isBroken:
                break;
            case UnitKind.Pages when unit.Failure is TargetException failure:
                _isBroken = true;
                unit.Target.Fail(failure.Message);
                _sequence.Abandon(unit.Target);
                break;
            default:
                _sink.Add(unit.Range, unit.Digests, unit.Gone);
                break;
        }
    }
}

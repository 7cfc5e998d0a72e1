using System.Runtime.ExceptionServices;

namespace PageShare.Scan;

/// <summary>One piece of work in parts, which are done in order by as many threads as take one.</summary>
/// <remarks>Made anew for each piece, so that a helper that comes late to one never takes a part of another.
/// Thread-safe.</remarks>
internal sealed class TeamWork
{
    // How long a part that somebody else does is waited for without sleeping: longer than most parts take.
    private const int Spins = 200;
    private const int SpinIterations = 20;

    private readonly Action<int> _doPart;
    private readonly bool[] _isDone; // guard: _gate for those that set it; Volatile, behind all that the part wrote
    private readonly object _gate = new();
    private int _taken; // Interlocked: parts that somebody does or has done; more than there are when there are no more
    private Exception? _failure; // Interlocked: the first

    /// <param name="parts">How many parts.</param>
    /// <param name="doPart">Does one.</param>
    public TeamWork(int parts, Action<int> doPart)
    {
        _doPart = doPart;
        _isDone = new bool[parts];
    }

    /// <summary>Whether there are parts that nobody does yet.</summary>
    public bool HasMore => Volatile.Read(ref _taken) < _isDone.Length;

    /// <summary>Does the next part that nobody does yet; false if there is none.</summary>
    /// <param name="atEnd">Called when it is done and does not count as done yet.</param>
    public bool TryDoPart(Action? atEnd = null)
    {
        var part = Interlocked.Increment(ref _taken) - 1;
        if (part >= _isDone.Length)
        {
            return false;
        }

        try
        {
            _doPart(part);
        }
        catch (Exception failure)
        {
            _ = Interlocked.CompareExchange(ref _failure, failure, null);
        }

        atEnd?.Invoke();
        lock (_gate)
        {
            Volatile.Write(ref _isDone[part], true);
            Monitor.PulseAll(_gate);
        }

        return true;
    }

    /// <summary>Does the first parts, or waits for whoever does one of them.</summary>
    /// <param name="parts">How many; not after <see cref="End"/>.</param>
    /// <exception cref="Exception">What a part has thrown.</exception>
    public void Finish(int parts)
    {
        while (Volatile.Read(ref _taken) < parts && TryDoPart())
        {
        }

        Await(parts);
        if (Volatile.Read(ref _failure) is { } failure)
        {
            ExceptionDispatchInfo.Throw(failure);
        }
    }

    /// <summary>From now on nobody begins a part; returns when nobody is at one any more. Throws nothing: what a part has
    /// thrown that nobody asks for is lost.</summary>
    public void End() => Await(Math.Min(Interlocked.Exchange(ref _taken, _isDone.Length), _isDone.Length));

    /// <summary>Waits until the first parts, which are all taken, are done.</summary>
    private void Await(int parts)
    {
        for (var part = 0; part < parts; part++)
        {
            for (var spins = 0; spins < Spins && !Volatile.Read(ref _isDone[part]); spins++)
            {
                Thread.SpinWait(SpinIterations);
            }

            if (!Volatile.Read(ref _isDone[part]))
            {
                lock (_gate)
                {
                    while (!_isDone[part])
                    {
                        Monitor.Wait(_gate);
                    }
                }
            }
        }
    }
}

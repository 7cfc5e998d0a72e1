using System.Diagnostics;

namespace PageShare.Merge;

/// <summary>How long whoever holds the engine's lock may still wait for guests' agents.</summary>
/// <remarks>
/// 20 ms each time that the lock is taken: a merge order of 512 pages takes an agent 1 to 4 ms, and a thread that wants
/// to run on a busy machine gets its turn within a few time slices of 3 ms; a snapshot, on the other hand, is taken by
/// people and must not feel it. Guests that need longer are waited for without the lock. Guard: the engine's lock.
/// </remarks>
internal sealed class OrderPatience
{
    /// <summary>Longest wait under the engine's lock, over all orders.</summary>
    public static readonly TimeSpan Most = TimeSpan.FromMilliseconds(20);

    private long _left = (long)Most.TotalNanoseconds;

    /// <summary>Nanoseconds left.</summary>
    public ulong NanosecondsLeft => (ulong)_left;

    /// <summary>The lock has just been taken.</summary>
    public void Renew() => _left = (long)Most.TotalNanoseconds;

    /// <summary>Somebody has waited since this time stamp.</summary>
    /// <returns>How long.</returns>
    public TimeSpan Spend(long since)
    {
        var waited = Stopwatch.GetElapsedTime(since);
        _left = Math.Max(0, _left - (long)waited.TotalNanoseconds);
        return waited;
    }
}

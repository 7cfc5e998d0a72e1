using System.Diagnostics;

namespace PageShare.Merge;

/// <summary>
/// CPU time that a guest's agent says it has used; never more than it had orders for, or a guest could use up the
/// scanner's budget by lies.
/// </summary>
/// <remarks>What an agent uses for orders that are late already is nobody's: they are not waited for. Guard: the engine's
/// lock.</remarks>
internal sealed class AgentCpuTime
{
    private ulong _saidBefore;
    private long _busySince; // time stamp; 0 while it has no orders
    private long _busyTicks; // before that, since CPU time was last taken

    /// <summary>The agent has orders from now on, or has none.</summary>
    /// <param name="isBusy">Whether it has some that it may still answer in time.</param>
    public void Note(bool isBusy)
    {
        var now = Stopwatch.GetTimestamp();
        _busyTicks += _busySince == 0 ? 0 : now - _busySince;
        _busySince = isBusy ? now : 0;
    }

    /// <summary>What it has used since this was last asked.</summary>
    /// <param name="said">Nanoseconds since it began, as it says; may be any number.</param>
    public long Take(ulong said)
    {
        Note(isBusy: _busySince != 0);
        var most = (ulong)Stopwatch.GetElapsedTime(0, _busyTicks).TotalNanoseconds;
        var used = Math.Min(said > _saidBefore ? said - _saidBefore : 0, most);
        (_saidBefore, _busyTicks) = (said, 0);
        return (long)used;
    }
}

using PageShare.Platform;

namespace PageShare.Cli.Traces;

/// <summary>How the memory of some guests changed: what a recording tells, unfolded.</summary>
internal sealed class MemoryTrace
{
    /// <summary>Where it came from, for people.</summary>
    public required string Name { get; init; }

    /// <summary>The guests' names.</summary>
    public required IReadOnlyList<string> Guests { get; init; }

    /// <summary>Pages of each guest, with memory at any moment or not.</summary>
    public required IReadOnlyList<int> Pages { get; init; }

    /// <summary>The moments, by time; the first is at zero and changes everything that is there.</summary>
    public required IReadOnlyList<TraceMoment> Moments { get; init; }

    /// <summary>One more than the highest number of a content.</summary>
    public required int Contents { get; init; }

    /// <summary>Pages of all guests.</summary>
    public long TotalPages => Pages.Sum(pages => (long)pages);

    /// <summary>Time of the last moment.</summary>
    public TimeSpan Length => Moments[^1].At;
}

/// <summary>What changed from the moment before to this one.</summary>
/// <param name="At">Its time.</param>
/// <param name="Load">How busy the machine was between the two, the observer left out; null if nobody looked.</param>
/// <param name="Changes">Of each guest its changed pages, ascending.</param>
internal sealed record TraceMoment(TimeSpan At, IntervalLoad? Load, IReadOnlyList<PageChange[]> Changes);

/// <summary>How busy a machine was for a time.</summary>
/// <param name="IdlePercent">Of the CPU time of all cores.</param>
/// <param name="CpuPressurePercent">Of the time, some task waited for a CPU; null where that is not told.</param>
internal readonly record struct IntervalLoad(double IdlePercent, double? CpuPressurePercent)
{
    /// <summary>From the counters at both ends.</summary>
    public static IntervalLoad? Between(Moment before, Moment after)
    {
        if (before.Load is not MachineLoad first || after.Load is not MachineLoad last)
        {
            return null;
        }

        TimeSpan own = after.OwnCpu - before.OwnCpu;
        TimeSpan idle = last.Idle - first.Idle + own;
        TimeSpan busy = last.Busy - first.Busy - own;
        TimeSpan total = idle + busy;
        double share = total > TimeSpan.Zero ? Math.Clamp(idle / total, 0, 1) : 1;
        return new IntervalLoad(share * 100, last.CpuPressurePercent);
    }
}

namespace PageShare.Workloads.Ksm;

/// <summary>How the saving grew with time, from the start of scanning.</summary>
/// <remarks>Not thread-safe.</remarks>
internal sealed class SavingCurve
{
    private readonly List<SavingPoint> _points = [new SavingPoint(0, 0, 0)];

    /// <summary>What was seen, in order of time, from nothing on.</summary>
    public IReadOnlyList<SavingPoint> Points => _points;

    /// <summary>The last of them.</summary>
    public SavingPoint Last => _points[^1];

    /// <summary>Notes a moment, no earlier than the one before.</summary>
    public void Add(double seconds, double cpuSeconds, long savedPages) =>
        _points.Add(new SavingPoint(seconds, cpuSeconds, savedPages));

    /// <summary>
    /// When so many pages were first saved: on the line between the two moments around it. Null if they never were.
    /// </summary>
    public SavingPoint? Reaching(double savedPages)
    {
        for (var i = 1; i < _points.Count; i++)
        {
            var (before, after) = (_points[i - 1], _points[i]);
            if (after.SavedPages >= savedPages)
            {
                var part = after.SavedPages == before.SavedPages
                    ? 1
                    : (savedPages - before.SavedPages) / (after.SavedPages - before.SavedPages);
                return new SavingPoint(
                    before.Seconds + (part * (after.Seconds - before.Seconds)),
                    before.CpuSeconds + (part * (after.CpuSeconds - before.CpuSeconds)),
                    after.SavedPages);
            }
        }

        return null;
    }

    /// <summary>At most so many of the points, evenly chosen, the last among them: enough for a plot.</summary>
    public IReadOnlyList<SavingPoint> Thinned(int most)
    {
        var step = Math.Max(1, (_points.Count + most - 2) / Math.Max(1, most - 1));
        return [.. _points.Where((_, index) => index % step == 0 || index == _points.Count - 1)];
    }
}

/// <summary>A moment of it.</summary>
/// <param name="Seconds">Since scanning began.</param>
/// <param name="CpuSeconds">CPU time spent on it since then.</param>
/// <param name="SavedPages">Pages for which no memory is needed any more.</param>
internal readonly record struct SavingPoint(double Seconds, double CpuSeconds, long SavedPages);

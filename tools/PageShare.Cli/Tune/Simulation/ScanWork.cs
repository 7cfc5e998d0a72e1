namespace PageShare.Cli.Tune.Simulation;

/// <summary>What a simulated scanner has done so far, and the CPU time that it took.</summary>
/// <param name="prices">Nanoseconds of each task.</param>
internal sealed class ScanWork(IReadOnlyList<double> prices)
{
    private readonly long[] _counts = new long[Tasks];
    private readonly double[] _prices = [.. prices];

    /// <summary>How many tasks there are.</summary>
    public static int Tasks { get; } = Enum.GetValues<ScanTask>().Length;

    /// <summary>CPU time of all of it.</summary>
    public double Nanoseconds { get; private set; }

    /// <summary>How often a task was done.</summary>
    public long CountOf(ScanTask task) => _counts[(int)task];

    /// <summary>All counts, by task.</summary>
    public long[] Counts() => [.. _counts];

    /// <summary>A task was done.</summary>
    public void Add(ScanTask task, long count = 1)
    {
        _counts[(int)task] += count;
        Nanoseconds += count * _prices[(int)task];
    }
}

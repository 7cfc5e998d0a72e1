namespace PageShare.Workloads.Cow;

/// <summary>What breaking so many pages took.</summary>
/// <param name="PagesPerSecond">Of all writers together, by the clock on the wall.</param>
/// <param name="CpuNanosecondsPerPage">Processor time of the writers, faults and system calls included.</param>
/// <param name="P50Nanoseconds">Half of the stores were no slower.</param>
/// <param name="P99Nanoseconds">99 % of them.</param>
internal sealed record CowFigures(
    double PagesPerSecond, double CpuNanosecondsPerPage, long P50Nanoseconds, long P99Nanoseconds);

/// <summary>One kind of break, with so many writers.</summary>
/// <param name="Engine">Who breaks.</param>
/// <param name="Order">Sequential or random.</param>
/// <param name="Writers">Threads that store.</param>
/// <param name="Figures">What it took; median of the repetitions by processor time.</param>
internal sealed record CowMeasurement(string Engine, string Order, int Writers, CowFigures Figures);

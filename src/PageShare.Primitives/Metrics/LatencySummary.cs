namespace PageShare.Metrics;

/// <summary>
/// Latencies since the start, in nanoseconds. Percentiles are upper bounds, at most 12.5 % too high; all are 0 if
/// nothing was measured.
/// </summary>
/// <param name="P50">Half were no slower.</param>
/// <param name="P99">99 % were no slower.</param>
/// <param name="Max">The slowest, exactly.</param>
public readonly record struct LatencySummary(long P50, long P99, long Max);

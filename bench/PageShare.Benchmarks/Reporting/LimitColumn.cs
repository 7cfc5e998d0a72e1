using System.Globalization;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Mathematics;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;

namespace PageShare.Benchmarks.Reporting;

/// <summary>
/// How many times as long as its physical limit a benchmark takes: median by median of the group's baseline, which is
/// the least work that could do the same, measured in the same run.
/// </summary>
/// <remarks>BenchmarkDotNet's own ratio is one of means, which a single slow iteration on a shared machine
/// spoils.</remarks>
internal sealed class LimitColumn : BaselineCustomColumn
{
    public override string Id => nameof(LimitColumn);

    public override string ColumnName => "x limit";

    public override int PriorityInCategory => 0;

    public override bool IsNumeric => true;

    public override UnitType UnitType => UnitType.Dimensionless;

    public override string Legend => "median divided by the median of the physical limit, the group's first line";

    public override string GetValue(
        Summary summary,
        BenchmarkCase benchmarkCase,
        Statistics baseline,
        IReadOnlyDictionary<string, Metric> baselineMetrics,
        Statistics current,
        IReadOnlyDictionary<string, Metric> currentMetrics,
        bool isBaseline) =>
        isBaseline ? "limit" : (current.Median / baseline.Median).ToString("F2", CultureInfo.InvariantCulture);
}

using System.Globalization;
using PageShare.Workloads.Reporting;

namespace PageShare.Workloads.Ksm;

/// <summary>What <c>ksm</c> found.</summary>
internal sealed record KsmResult : WorkloadResult
{
    /// <summary>The name of KSM at its quickest, which others are compared with.</summary>
    public const string FlatOut = "KSM, flat out";

    /// <summary>Most of KSM's CPU time to 99 % of the optimum that we may take.</summary>
    public const double MostCpu = 1 / 2.0;

    /// <summary>The same where all is shared in long runs.</summary>
    public const double MostCpuOfPair = 1 / 7.0;

    /// <inheritdoc/>
    public override string Workload => "ksm";

    /// <summary>Which memory.</summary>
    public string? Memory { get; init; }

    /// <summary>Longest time that a contender had.</summary>
    public TimeSpan Limit { get; init; }

    /// <summary>What each did.</summary>
    public IReadOnlyList<ContenderFigures> Contenders { get; init; } = [];

    /// <inheritdoc/>
    public override string Title => "the same memory in KSM's hands and in ours";

    /// <inheritdoc/>
    public override IReadOnlyList<ResultTable> Tables => Contenders.Count == 0 ? [] :
    [
        new(
            $"{Memory}: seconds and CPU seconds to a share of the optimum, at most {Limit.TotalSeconds} s each",
            ["memory, contender", "95 % s", "CPU s", "99 % s", "CPU s", "x KSM's CPU", "saved % of optimum"],
            [.. Contenders.Select(ConvergeRow)]),
        new(
            "What it costs: pages per second of CPU time, breaks of one writer at random, bookkeeping",
            [
                "memory, contender", "first pass p/s", "later pass p/s", "break p50 us", "p99 us", "CPU us",
                "metadata B/page",
            ],
            [.. Contenders.Select(CostRow)]),
    ];

    /// <inheritdoc/>
    public override IReadOnlyList<LineChart> Charts =>
        [.. Contenders.GroupBy(static contender => contender.Contents).Select(Chart)];

    /// <summary>What is demanded of us beside KSM flat out.</summary>
    /// <param name="figures">Of all contenders.</param>
    /// <param name="mostCpu"><see cref="MostCpu"/> or <see cref="MostCpuOfPair"/>.</param>
    public static IReadOnlyList<Bar> Judge(IReadOnlyList<ContenderFigures> figures, double mostCpu)
    {
        var bars = new List<Bar>();
        foreach (var rival in figures.Where(static contender => contender.Name == FlatOut))
        {
            foreach (var ours in figures.Where(contender => contender.Contents == rival.Contents && contender.IsOurs))
            {
                var what = $"{ours.Contents}, {ours.Name}";
                var isKernel = ours.FaultMode == FaultMode.Kernel;
                bars.Add(Most($"{what}: CPU to 99 %, by KSM's", mostCpu, ours.At99?.CpuSeconds / rival.At99?.CpuSeconds));
                bars.Add(Most(
                    $"{what}: time to 99 %, by KSM's",
                    ours.Threads > 1 ? 1 / 3.0 : 0.5,
                    ours.At99?.Seconds / rival.At99?.Seconds));
                bars.Add(Most(
                    $"{what}: CPU of a break, by KSM's",
                    isKernel ? 1.1 : 4.5,
                    ours.Breaks?.CpuNanosecondsPerPage / rival.Breaks?.CpuNanosecondsPerPage));
                bars.Add(new Bar($"{what}: metadata", 20, ours.MetadataBytesPerPage, "bytes a page", AtLeast: false));
            }
        }

        return bars;
    }

    private static Bar Most(string name, double limit, double? figure) => new(name, limit, figure, "x", AtLeast: false);

    private string[] ConvergeRow(ContenderFigures row)
    {
        var rival = Contenders.FirstOrDefault(other => other.Name == FlatOut && other.Contents == row.Contents);
        return
        [
            $"{row.Contents}, {row.Name}",
            Figures.Short(row.At95?.Seconds),
            Figures.Short(row.At95?.CpuSeconds),
            Figures.Short(row.At99?.Seconds),
            Figures.Short(row.At99?.CpuSeconds),
            Figures.Short(row.At99?.CpuSeconds / rival?.At99?.CpuSeconds),
            (100 * row.ShareOfOptimum).ToString("0.0", CultureInfo.InvariantCulture),
        ];
    }

    private static string[] CostRow(ContenderFigures row) =>
    [
        $"{row.Contents}, {row.Name}",
        Figures.Short(row.FirstPassPagesPerCpuSecond),
        Figures.Short(row.LaterPassPagesPerCpuSecond),
        Figures.Short(row.Breaks?.P50Nanoseconds / 1e3),
        Figures.Short(row.Breaks?.P99Nanoseconds / 1e3),
        Figures.Short(row.Breaks?.CpuNanosecondsPerPage / 1e3),
        Figures.Short(row.MetadataBytesPerPage),
    ];

    private static LineChart Chart(IGrouping<string, ContenderFigures> group) => new(
        $"Saving over CPU time, {group.Key} memory",
        "CPU seconds",
        "% of the optimum",
        [
            .. group.Select(static contender => new ChartLine(
                contender.Name,
                [
                    .. contender.Curve.Select(point =>
                        (point.CpuSeconds, 100.0 * point.SavedPages / Math.Max(1, contender.OptimumPages))),
                ])),
        ],
        string.Join(" ", group.Select(static contender =>
            contender.At99 is { } reached
                ? $"{contender.Name}: 99 % after {Figures.Short(reached.CpuSeconds)} CPU seconds."
                : $"{contender.Name}: 99 % not reached.")));
}

using PageShare.Workloads.Reporting;

namespace PageShare.Workloads.Cow;

/// <summary>What <c>cow</c> found.</summary>
internal sealed record CowResult : WorkloadResult
{
    /// <summary>The limit's name.</summary>
    public const string FirstTouch = "first touch (limit)";

    /// <summary>KSM's name.</summary>
    public const string Ksm = "KSM";

    /// <summary>Ours, with breaks made by the kernel.</summary>
    public const string KernelMode = "Kernel mode";

    /// <summary>The same, where passes find what was broken.</summary>
    public const string UncountedKernelMode = "Kernel mode, counted later";

    /// <summary>Ours, with breaks made by our handler.</summary>
    public const string SignalMode = "Signal mode";

    /// <summary>The same, each page by itself.</summary>
    public const string LoneSignalMode = "Signal mode, lone";

    /// <summary>Page after page.</summary>
    public const string Sequential = "sequential";

    /// <summary>Here and there.</summary>
    public const string Random = "random";

    /// <inheritdoc/>
    public override string Workload => "cow";

    /// <summary>Pages broken in each measurement.</summary>
    public required int Pages { get; init; }

    /// <summary>Measurements of each kind.</summary>
    public required int Repetitions { get; init; }

    /// <summary>The figures.</summary>
    public required IReadOnlyList<CowMeasurement> Measurements { get; init; }

    /// <inheritdoc/>
    public override string Title => "stores that break sharing";

    /// <inheritdoc/>
    public override IReadOnlyList<ResultTable> Tables =>
    [
        new(
            $"{Pages:N0} pages each, median of {Repetitions}; ratios by CPU time a page",
            [
                "who, order, writers", "pages/s", "CPU us/page", "p50 us", "p99 us", "x first touch",
                .. HasKsm ? ["x KSM"] : Array.Empty<string>(),
            ],
            [.. Measurements.Select(Row)]),
    ];

    /// <inheritdoc/>
    public override IReadOnlyList<LineChart> Charts =>
    [
        Chart("Pages broken per second", "pages per second", static figures => figures.PagesPerSecond),
        Chart("Latency of a break, 99 % of them", "microseconds", static figures => figures.P99Nanoseconds / 1e3),
    ];

    /// <summary>What is demanded of us beside KSM, with one writer.</summary>
    public static IReadOnlyList<Bar> Judge(IReadOnlyList<CowMeasurement> measurements)
    {
        double? Cpu(string engine, string order) => measurements.FirstOrDefault(row =>
            row.Engine == engine && row.Order == order && row.Writers == 1)?.Figures.CpuNanosecondsPerPage;
        Bar Most(string engine, string order, double limit) => new(
            $"{engine}, {order}: CPU of a break, by KSM's",
            limit,
            Cpu(engine, order) / Cpu(Ksm, order),
            "x",
            AtLeast: false);
        return
        [
            Most(KernelMode, Sequential, 1.1), Most(KernelMode, Random, 1.1),
            Most(UncountedKernelMode, Sequential, 1.1), Most(UncountedKernelMode, Random, 1.1),

            // Sequential writers are given several pages at each fault; those that write here and there are not.
            Most(SignalMode, Sequential, 1), Most(LoneSignalMode, Sequential, 3.5), Most(LoneSignalMode, Random, 4.5),
        ];
    }

    private bool HasKsm => Measurements.Any(static measurement => measurement.Engine == Ksm);

    private string[] Row(CowMeasurement row) =>
    [
        $"{row.Engine}, {row.Order}, {row.Writers}",
        Figures.Short(row.Figures.PagesPerSecond),
        Figures.Microseconds(row.Figures.CpuNanosecondsPerPage),
        Figures.Microseconds(row.Figures.P50Nanoseconds),
        Figures.Microseconds(row.Figures.P99Nanoseconds),
        RatioTo(FirstTouch, row),
        .. HasKsm ? [RatioTo(Ksm, row)] : Array.Empty<string>(),
    ];

    private string RatioTo(string engine, CowMeasurement row) => Figures.Short(
        row.Engine == engine || row.Engine == FirstTouch
            ? null
            : row.Figures.CpuNanosecondsPerPage / Measurements.First(other =>
                other.Engine == engine && other.Order == row.Order && other.Writers == row.Writers)
                .Figures.CpuNanosecondsPerPage);

    private LineChart Chart(string title, string label, Func<CowFigures, double> value) => new(
        title,
        "writers",
        label,
        [
            .. Measurements
                .GroupBy(static measurement => $"{measurement.Engine}, {measurement.Order}")
                .Select(group => new ChartLine(
                    group.Key, [.. group.Select(row => ((double)row.Writers, value(row.Figures)))])),
        ],
        "The figures are those of the table.");
}

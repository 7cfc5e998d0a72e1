using System.Globalization;
using PageShare.Cli;
using PageShare.Workloads.Reporting;

namespace PageShare.Workloads.Scale;

/// <summary>What <c>scale</c> found.</summary>
internal sealed record ScaleResult : WorkloadResult
{
    /// <inheritdoc/>
    public override string Workload => "scale";

    /// <summary>How stores to shared pages were caught.</summary>
    public required FaultMode FaultMode { get; init; }

    /// <summary>One entry for each size.</summary>
    public required IReadOnlyList<ScaleFigures> Sizes { get; init; }

    /// <summary>Guests of which the runs are so short that they take ten thousand mappings; null as below.</summary>
    public required ScaleFigures? ManyMappings { get; init; }

    /// <summary>One guest alone, of which nothing is shared; null where there was no memory for any size.</summary>
    public required ScaleFigures? Unshared { get; init; }

    /// <inheritdoc/>
    public override string Title => "how time and bookkeeping grow with memory";

    /// <inheritdoc/>
    public override IReadOnlyList<ResultTable> Tables =>
    [
        new(
            $"4 guests, half of each in all of them in runs of so many pages, and last one guest alone; {FaultMode} mode; CPU "
            + "seconds, unless they are said to be the clock's",
            [
                "in all", "runs", "XXH3", "first pass", "converge", "clock", "1 % written", "quiet pass", "saved %",
                "metadata B/page", "kernel B/page", "mappings",
            ],
            [.. All.Select(Row)]),
        new(
            "The same passes by XXH3 over all of the memory, and beside each what the kernel's marks of written pages take "
            + "alone, which no pass can do without",
            [
                "in all", "runs", "first pass, x XXH3", "marks", "1 % written, x faster", "marks", "nothing written, x faster",
                "marks",
            ],
            [.. All.Select(RatioRow)]),
    ];

    /// <inheritdoc/>
    public override IReadOnlyList<LineChart> Charts =>
    [
        Chart(
            "CPU time a page",
            "nanoseconds a page",
            ("XXH3 (limit)", static size => size.HashNanosecondsPerPage),
            ("first pass", static size => size.First.CpuSeconds * 1e9 / size.Pages),
            ("converge", static size => size.ConvergeCpuSeconds * 1e9 / size.Pages),
            ("1 % written", static size => size.Slight.CpuSeconds * 1e9 / size.Pages),
            ("quiet pass", static size => size.Quiet.CpuSeconds * 1e9 / size.Pages)),
        Chart(
            "Bookkeeping",
            "bytes a page",
            ("metadata", static size => size.MetadataBytesPerPage),
            ("kernel tables", static size => size.KernelTableBytesPerPage)),
    ];

    /// <summary>What is demanded of passes over memory of which nothing is shared, and of passes and bookkeeping at the
    /// largest size.</summary>
    public static IReadOnlyList<Bar> Judge(
        IReadOnlyList<ScaleFigures> sizes, ScaleFigures? manyMappings, ScaleFigures? unshared)
    {
        if (manyMappings is null || unshared is null)
        {
            return [];
        }

        var (lone, hash) = (NameOf(unshared) + " unshared", HashSeconds(unshared));
        var at = $"{NameOf(manyMappings)}, {Quantity.Count(manyMappings.MappingsUsed)} mappings";
        return
        [
            Least($"{lone}: first pass, by XXH3's speed", 70, 100 * hash / unshared.First.CpuSeconds, "%"),
            Least($"{lone}: nothing written, by hashing it all", 150, hash / unshared.Quiet.CpuSeconds, "x faster"),
            Least($"{lone}: 1 % written, by hashing it all", 30, hash / unshared.Slight.CpuSeconds, "x faster"),
            Least(
                $"{at}: nothing written, by hashing it all", 50,
                HashSeconds(manyMappings) / manyMappings.Quiet.CpuSeconds, "x faster"),
            new Bar(
                "metadata, the most of all rows", 20,
                sizes.Append(manyMappings).Append(unshared).Max(static size => size.MetadataBytesPerPage), "bytes a page",
                AtLeast: false),
        ];
    }

    private IEnumerable<ScaleFigures> All => [.. Sizes, .. new[] { ManyMappings, Unshared }.OfType<ScaleFigures>()];

    private static string NameOf(ScaleFigures size) => Quantity.Bytes((double)size.Mebibytes * (1 << 20));

    private static Bar Least(string name, double limit, double figure, string unit) =>
        new(name, limit, figure, unit, AtLeast: true);

    private static string[] Row(ScaleFigures size) =>
    [
        NameOf(size),
        $"{size.RunPages}",
        Figures.Short(HashSeconds(size)),
        Figures.Short(size.First.CpuSeconds),
        Figures.Short(size.ConvergeCpuSeconds),
        Figures.Short(size.ConvergeSeconds),
        size.Slight.CpuSeconds.ToString("0.0000", CultureInfo.InvariantCulture),
        size.Quiet.CpuSeconds.ToString("0.0000", CultureInfo.InvariantCulture),
        (100 * size.ShareOfOptimum)?.ToString("0.0", CultureInfo.InvariantCulture) ?? "–",
        Figures.Short(size.MetadataBytesPerPage),
        Figures.Short(size.KernelTableBytesPerPage),
        Quantity.Count(size.MappingsUsed),
    ];

    private static string[] RatioRow(ScaleFigures size) =>
    [
        NameOf(size),
        $"{size.RunPages}",
        Figures.Short(size.First.CpuSeconds / HashSeconds(size)),
        Figures.Short(size.First.MarksCpuSeconds / HashSeconds(size)),
        Figures.Short(HashSeconds(size) / size.Slight.CpuSeconds),
        Figures.Short(HashSeconds(size) / size.Slight.MarksCpuSeconds),
        Figures.Short(HashSeconds(size) / size.Quiet.CpuSeconds),
        Figures.Short(HashSeconds(size) / size.Quiet.MarksCpuSeconds),
    ];

    private static double HashSeconds(ScaleFigures size) => size.HashNanosecondsPerPage * size.Pages / 1e9;

    private LineChart Chart(
        string title, string label, params (string Name, Func<ScaleFigures, double> Value)[] lines) => new(
        title,
        "GiB of all guests",
        label,
        [
            .. lines.Select(line => new ChartLine(
                line.Name, [.. Sizes.Select(size => (size.Mebibytes / 1024.0, line.Value(size)))])),
        ],
        "The figures are those of the table.");
}

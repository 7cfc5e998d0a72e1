using System.Globalization;
using PageShare.Cli;
using PageShare.Workloads.Reporting;

namespace PageShare.Workloads.Budget;

/// <summary>What <c>budget</c> found.</summary>
internal sealed record BudgetResult : WorkloadResult
{
    /// <summary>Memory of guests that were idle, and have become busy while they were scanned.</summary>
    public const string ActiveSince = "active since";

    private const int BarBudget = 4000;

    /// <inheritdoc/>
    public override string Workload => "budget";

    /// <summary>Which memory.</summary>
    public required string Memory { get; init; }

    /// <summary>How many guests.</summary>
    public required int Guests { get; init; }

    /// <summary>One entry for each memory, mode and budget.</summary>
    public required IReadOnlyList<BudgetFigures> Budgets { get; init; }

    /// <inheritdoc/>
    public override string Title => "what is saved with few mappings";

    /// <inheritdoc/>
    public override IReadOnlyList<ResultTable> Tables =>
    [
        new(
            $"{Memory}, {Guests} guests in one process; percent of what exact sharing saves, zero pages included",
            ["memory, mode, mappings", "saved %", "pages saved", "of", "mappings used", "frames", "passes", "CPU s"],
            [.. Budgets.Select(Row)]),
    ];

    /// <inheritdoc/>
    public override IReadOnlyList<LineChart> Charts =>
    [
        new(
            "Saving by mapping budget",
            "mappings",
            "% of the optimum",
            [
                .. Budgets.GroupBy(static row => (row.Contents, row.FaultMode)).Select(static line => new ChartLine(
                    $"{line.Key.Contents}, {line.Key.FaultMode} mode",
                    [.. line.Select(static row => ((double)row.Budget, 100 * row.ShareOfOptimum))])),
            ],
            "The figures are those of the table."),
    ];

    /// <summary>What is demanded of the two guests of the usual images.</summary>
    public static IReadOnlyList<Bar> Judge(IReadOnlyList<BudgetFigures> figures) =>
    [
        .. figures.Where(static row => row.Budget == BarBudget && row.Contents != ActiveSince).Select(static row => new Bar(
            $"{row.Contents}, {row.FaultMode} mode: of the optimum, with {Quantity.Count(BarBudget)} mappings",
            row.Contents == "idle" ? 88 : 72,
            100 * row.ShareOfOptimum,
            "%",
            AtLeast: true)),
    ];

    /// <summary>A share as tables write it.</summary>
    public static string Percent(double share) => (100 * share).ToString("0.0", CultureInfo.InvariantCulture);

    private static string[] Row(BudgetFigures row) =>
    [
        $"{row.Contents}, {row.FaultMode}, {Quantity.Count(row.Budget)}",
        Percent(row.ShareOfOptimum),
        Quantity.Count(row.SavedPages),
        Quantity.Count(row.OptimumPages),
        Quantity.Count(row.MappingsUsed),
        Quantity.Count(row.Frames),
        Quantity.Count(row.Passes),
        Figures.Short(row.CpuSeconds),
    ];
}

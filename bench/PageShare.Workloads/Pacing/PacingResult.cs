using PageShare.Workloads.Reporting;

namespace PageShare.Workloads.Pacing;

/// <summary>Guests at work without sharing and with it, one right after the other.</summary>
/// <param name="StepsPerSecondWithout">By the clock, all threads together.</param>
/// <param name="StepsPerSecondWith">The same, shared and scanned.</param>
/// <param name="LostPercent">By the clock.</param>
/// <param name="LostPerCpuPercent">Of what a thread does with its CPU time: breaks, and caches that others
/// use.</param>
/// <param name="ScannerPercent">Of one core, while guests work with sharing.</param>
/// <param name="Breaks">Stores that broke sharing.</param>
internal sealed record PacingRound(
    double StepsPerSecondWithout, double StepsPerSecondWith, double LostPercent, double LostPerCpuPercent,
    double ScannerPercent, long Breaks);

/// <summary>What <c>pacing</c> found.</summary>
internal sealed record PacingResult : WorkloadResult
{
    /// <summary>Percent of what busy guests do that sharing may cost them.</summary>
    public const double MostLostPercent = 3;

    /// <inheritdoc/>
    public override string Workload => "pacing";

    /// <summary>Which memory.</summary>
    public required string Memory { get; init; }

    /// <summary>How stores to shared pages were caught.</summary>
    public required FaultMode FaultMode { get; init; }

    /// <summary>The scanner's budget in percent of a core.</summary>
    public required double BudgetPercent { get; init; }

    /// <summary>What it took of a core in each second, by the kernel's account.</summary>
    public required IReadOnlyList<double> ScannerPercents { get; init; }

    /// <summary>Pages written each second meanwhile.</summary>
    public required double PagesWrittenPerSecond { get; init; }

    /// <summary>Guests at work.</summary>
    public required IReadOnlyList<PacingRound> Rounds { get; init; }

    /// <summary>Threads that worked.</summary>
    public required int Threads { get; init; }

    /// <inheritdoc/>
    public override string Title => "what the scanner takes, and what busy guests lose";

    /// <inheritdoc/>
    public override IReadOnlyList<ResultTable> Tables =>
    [
        new(
            $"{Memory}, {FaultMode} mode, {Figures.Short(PagesWrittenPerSecond)} pages written a second; the scanner in "
            + $"percent of a core, budget {BudgetPercent}",
            ["seconds", "mean", "median", "busiest second"],
            [
                [
                    $"{ScannerPercents.Count}",
                    Figures.Short(ScannerPercents.Average()),
                    Figures.Short(Percentile.MedianBy(ScannerPercents, static percent => percent)),
                    Figures.Short(ScannerPercents.Max()),
                ],
            ]),
        new(
            $"{Threads} threads at work in guests without a rest; medians of {Rounds.Count} turns, quartiles of what is lost",
            ["steps/s unshared", "steps/s shared", "lost %", "quartiles", "lost per CPU second %", "scanner %", "breaks"],
            [
                [
                    Figures.Short(MedianOf(static round => round.StepsPerSecondWithout)),
                    Figures.Short(MedianOf(static round => round.StepsPerSecondWith)),
                    Figures.Short(LostPercent),
                    $"{Figures.Short(LostQuartile(25))} to {Figures.Short(LostQuartile(75))}",
                    Figures.Short(MedianOf(static round => round.LostPerCpuPercent)),
                    Figures.Short(MedianOf(static round => round.ScannerPercent)),
                    Figures.Short(MedianOf(static round => round.Breaks)),
                ],
            ]),
    ];

    /// <inheritdoc/>
    public override IReadOnlyList<LineChart> Charts =>
    [
        new(
            "The scanner's CPU",
            "seconds",
            "% of a core",
            [
                new ChartLine("taken", [.. ScannerPercents.Select(static (taken, second) => ((double)second, taken))]),
                new ChartLine("budget", [(0, BudgetPercent), (ScannerPercents.Count - 1, BudgetPercent)]),
            ],
            $"In the busiest second it takes {Figures.Short(ScannerPercents.Max())} % of a core."),
    ];

    /// <summary>What sharing costs busy guests.</summary>
    public double LostPercent => MedianOf(static round => round.LostPercent);

    /// <summary>Judges both parts.</summary>
    public IReadOnlyList<Bar> Judge() =>
    [
        new($"scanner with a budget of {BudgetPercent} % of a core, busiest second", BudgetPercent, ScannerPercents.Max(),
            "%", AtLeast: false),
        new("throughput that guests lose on a busy machine", MostLostPercent, LostPercent, "%", AtLeast: false),
    ];

    private double MedianOf(Func<PacingRound, double> figure) => figure(Percentile.MedianBy(Rounds, figure));

    private double LostQuartile(double percent) =>
        Percentile.Of(Rounds.Select(static round => round.LostPercent).Order().ToArray(), percent);
}

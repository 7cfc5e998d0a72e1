using System.Globalization;
using PageShare.Workloads.Reporting;

namespace PageShare.Workloads.Phases;

/// <summary>What <c>phases</c> found.</summary>
internal sealed record PhasesResult : WorkloadResult
{
    /// <inheritdoc/>
    public override string Workload => "phases";

    /// <summary>Which memory was replayed.</summary>
    public required string Memory { get; init; }

    /// <summary>What kind of guests.</summary>
    public required string Guests { get; init; }

    /// <summary>The engine's settings.</summary>
    public required EngineOptions Engine { get; init; }

    /// <summary>Pages that were written on the way from idle to busy.</summary>
    public required int PagesThatDiffer { get; init; }

    /// <summary>What guests did, and when.</summary>
    public required IReadOnlyList<ReplayPhase> Phases { get; init; }

    /// <summary>What was seen, in order of time.</summary>
    public required IReadOnlyList<PhaseSample> Samples { get; init; }

    /// <inheritdoc/>
    public override string Title => "sharing while guests get busy, rest, and go back";

    /// <inheritdoc/>
    public override IReadOnlyList<ResultTable> Tables =>
    [
        new(
            $"{Memory}, guests {Guests}, mode {Engine.FaultMode}, target pass {Engine.TargetPassTime.TotalSeconds} s, "
            + $"budget {Engine.CpuBudgetPercent} % of a core; percent of all pages, at the end of each phase",
            ["phase", "s", "pages written/s", "saved %", "optimum %", "without rescans %", "breaks/s", "scanner %"],
            [.. Phases.Select(Row)]),
    ];

    /// <inheritdoc/>
    public override IReadOnlyList<LineChart> Charts =>
    [
        Chart(
            "Memory saved",
            "saved, % of all pages, zero pages included",
            $"At the end {Text(Last.SavingPercent)} % are saved and {Text(Last.OptimumPercent)} % could be; "
            + $"without rescans it would be {Text(Last.WithoutRescansPercent ?? 0)} %.",
            Line("exact optimum", static sample => sample.OptimumPercent),
            Line("PageShare", static sample => sample.SavingPercent),
            Line("without rescans", static sample => sample.WithoutRescansPercent)),
        Chart(
            "Breaks",
            "stores that broke sharing, per second",
            $"At most {Text(Samples.Max(static sample => sample.BreaksPerSecond))} a second.",
            Line("breaks", static sample => sample.BreaksPerSecond)),
        Chart(
            "Scanner",
            "CPU time, % of one core",
            $"{Text(Last.ScannerCpuSeconds)} s of CPU time in {Text(Last.Seconds)} s.",
            Line("scanner", static sample => sample.ScannerCpuPercent)),
    ];

    private PhaseSample Last => Samples[^1];

    private string[] Row(ReplayPhase phase)
    {
        var inside = Samples.Where(sample => phase.Contains(sample.Seconds)).ToList();
        var last = inside.Count > 0 ? inside[^1] : Samples[^1];
        return
        [
            phase.Name,
            Text(phase.ToSeconds - phase.FromSeconds),
            phase.IsWriting ? Figures.Short(phase.WriteRate) : "",
            Text(last.SavingPercent),
            Text(last.OptimumPercent),
            last.WithoutRescansPercent is { } without ? Text(without) : "",
            Figures.Short(inside.Count > 0 ? inside.Average(static sample => sample.BreaksPerSecond) : 0),
            PhaseBars.MeanCpuPercent(Samples, phase) is { } cpu ? Text(cpu) : "",
        ];
    }

    private LineChart Chart(string title, string yLabel, string description, params ChartLine[] lines) =>
        new(title, "seconds", yLabel, lines, description)
        {
            Spans = [.. Phases.Select(static phase => new ChartSpan(phase.Name, phase.FromSeconds, phase.ToSeconds))],
        };

    private ChartLine Line(string name, Func<PhaseSample, double?> value) => new(
        name,
        [
            .. Samples.Where(sample => value(sample) is not null)
                .Select(sample => (sample.Seconds, value(sample)!.Value)),
        ]);

    private static string Text(double value) => value.ToString("0.0", CultureInfo.InvariantCulture);
}

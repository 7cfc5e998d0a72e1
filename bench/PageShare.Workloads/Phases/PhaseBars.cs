using PageShare.Workloads.Reporting;

namespace PageShare.Workloads.Phases;

/// <summary>What the replay has to reach, judged by its samples.</summary>
internal static class PhaseBars
{
    /// <summary>Percentage points that may be missing to the optimum.</summary>
    public const double MostPointsMissing = 5;

    /// <summary>Least share of the optimum while guests write, in percent.</summary>
    public const double LeastShareOfOptimum = 80;

    /// <summary>Most of a core for the scanner, in percent.</summary>
    public const double MostCpuPercent = 25;

    /// <summary>Seconds after the last write from which on the first bar counts.</summary>
    public const double Grace = 2;

    /// <summary>Judges. Each figure is the worst of all samples that count.</summary>
    /// <param name="samples">In order of time.</param>
    /// <param name="phases">From the first write on; what comes before is not judged.</param>
    /// <param name="writeRate">Pages per second that were to be written.</param>
    public static IReadOnlyList<Bar> Judge(
        IReadOnlyList<PhaseSample> samples, IReadOnlyList<ReplayPhase> phases, int writeRate)
    {
        var resting = Of(samples, phases.Where(static phase => !phase.IsWriting), Grace);
        var writing = Of(samples, phases.Where(static phase => phase.IsWriting), 0);
        var cpu = phases.Select(phase => MeanCpuPercent(samples, phase)).OfType<double>();
        return
        [
            new Bar(
                $"points to the optimum once writes have ceased for {Grace} s, worst sample",
                MostPointsMissing,
                Worst(resting.Select(static sample => sample.OptimumPercent - sample.SavingPercent), largest: true),
                "points",
                AtLeast: false),
            new Bar(
                $"of the optimum while {writeRate} pages/s are written, worst sample",
                LeastShareOfOptimum,
                Worst(
                    writing.Where(static sample => sample.OptimumPages > 0)
                        .Select(static sample => 100.0 * sample.SavedPages / sample.OptimumPages),
                    largest: false),
                "%",
                AtLeast: true),
            new Bar(
                "scanner, of one core, mean of the dearest phase",
                MostCpuPercent,
                Worst(cpu, largest: true),
                "%",
                AtLeast: false),
        ];
    }

    /// <summary>The scanner's mean share of a core in a phase; null with fewer than two samples.</summary>
    public static double? MeanCpuPercent(IReadOnlyList<PhaseSample> samples, ReplayPhase phase)
    {
        var inside = samples.Where(sample => phase.Contains(sample.Seconds)).ToList();
        if (inside.Count < 2)
        {
            return null;
        }

        var (first, last) = (inside[0], inside[^1]);
        return 100 * (last.ScannerCpuSeconds - first.ScannerCpuSeconds) / (last.Seconds - first.Seconds);
    }

    private static List<PhaseSample> Of(
        IReadOnlyList<PhaseSample> samples, IEnumerable<ReplayPhase> phases, double after) =>
        [.. phases.SelectMany(phase => samples.Where(sample =>
            phase.Contains(sample.Seconds) && sample.Seconds >= phase.FromSeconds + after))];

    private static double? Worst(IEnumerable<double> figures, bool largest)
    {
        var all = figures.ToList();
        return all.Count == 0 ? null : largest ? all.Max() : all.Min();
    }
}

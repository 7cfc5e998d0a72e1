using PageShare.Cli.Run;
using PageShare.Memory;
using PageShare.Workloads.Guests;
using PageShare.Workloads.Traces;

namespace PageShare.Workloads.Budget;

/// <summary>What is saved when there are fewer mappings than sharing all would take.</summary>
internal sealed class BudgetWorkload(BudgetOptions options, Action<string> progress)
{
    // Runs give way to longer ones for some passes; where two go on taking each other's place, that is the result.
    private const int MostPasses = 40;

    /// <summary>Runs it.</summary>
    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    public BudgetResult Run(CancellationToken stop)
    {
        using var trace = options.Trace.Open();
        progress($"reading {trace.Name}");
        var numbers = TraceContents.Of(trace, stop);
        var figures = new List<BudgetFigures>();
        var faults = new List<string>();
        foreach (var moment in Enum.GetValues<Moment>())
        {
            var contents = new Contents(trace, numbers, moment);
            foreach (var mode in options.Modes)
            {
                foreach (var mappings in options.Mappings)
                {
                    figures.Add(Measure(contents, mode, mappings, faults, stop));
                    progress(
                        $"{contents.Name}, {mode} mode, {mappings} mappings: "
                        + $"{BudgetResult.Percent(figures[^1].ShareOfOptimum)} % of the optimum");
                }
            }
        }

        return new BudgetResult
        {
            Memory = trace.Name,
            Guests = trace.Guests.Count,
            Budgets = figures,
            Bars = options.Trace.Folder is null ? [] : BudgetResult.Judge(figures),
            Fault = faults.Count > 0 ? string.Join("; ", faults) : null,
        };
    }

    private static BudgetFigures Measure(
        Contents contents, FaultMode mode, int mappings, List<string> faults, CancellationToken stop)
    {
        var optimum = contents.Count();
        using var host = GuestHosts.Start(
            new EngineOptions { BackgroundScanning = false, FaultMode = mode, MappingBudget = mappings });
        var guests = new LoadedGuests(host, contents, mode, stop);
        var passes = new List<PassReport>();
        for (var convergence = new Convergence(); !convergence.IsReached && passes.Count < MostPasses;)
        {
            passes.Add(host.ScanOnce(stop));
            stop.ThrowIfCancellationRequested();
            convergence.Add(passes[^1]);
        }

        var totals = host.Snapshot().Totals;
        if (guests.FindDifference(stop) is { } different)
        {
            faults.Add($"{contents.Name}, {mode} mode, {mappings} mappings: {different}");
        }

        return new BudgetFigures
        {
            Contents = contents.Name,
            FaultMode = mode,
            Budget = mappings,
            MappingsUsed = totals.MappingsUsed,
            Pages = optimum.Pages,
            OptimumPages = optimum.SavedPages,
            SavedPages = optimum.Pages - (totals.ResidentBytes / PageSize.Bytes),
            Frames = totals.PagesShared,
            Passes = passes.Count,
            CpuSeconds = passes.Sum(static pass => pass.CpuTime.TotalSeconds),
        };
    }
}

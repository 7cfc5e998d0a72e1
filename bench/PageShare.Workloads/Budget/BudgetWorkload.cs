using PageShare.Cli.Run;
using PageShare.Memory;
using PageShare.Metrics;
using PageShare.Workloads.Guests;
using PageShare.Workloads.Phases;
using PageShare.Workloads.Traces;

namespace PageShare.Workloads.Budget;

/// <summary>What is saved when there are fewer mappings than sharing all would take.</summary>
internal sealed class BudgetWorkload(BudgetOptions options, Action<string> progress)
{
    // Runs give way to longer ones for some passes; where two go on taking each other's place, that is the result.
    private const int MostPasses = 40;

    // So often is scanned while guests become busy.
    private const int PassesWhileWriting = 16;

    /// <summary>Runs it.</summary>
    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    public BudgetResult Run(CancellationToken stop)
    {
        using var trace = options.Trace.Open();
        progress($"reading {trace.Name}");
        var numbers = TraceContents.Of(trace, stop);
        var figures = new List<BudgetFigures>();
        var faults = new List<string>();
        foreach (var mode in options.Modes)
        {
            foreach (var mappings in options.Mappings)
            {
                var before = figures.Count;
                figures.Add(Measure(new Contents(trace, numbers, Moment.Active), mode, mappings, faults, stop));
                figures.AddRange(MeasureBeforeAndAfter(trace, numbers, mode, mappings, faults, stop));
                foreach (var row in figures.Skip(before))
                {
                    progress(
                        $"{row.Contents}, {mode} mode, {mappings} mappings: "
                        + $"{BudgetResult.Percent(row.ShareOfOptimum)} % of the optimum");
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

    /// <summary>Guests that begin busy.</summary>
    private static BudgetFigures Measure(
        Contents contents, FaultMode mode, int mappings, List<string> faults, CancellationToken stop)
    {
        var optimum = contents.Count();
        using var host = Start(mode, mappings);
        var guests = new LoadedGuests(host, contents, mode, stop);
        var passes = Converge(host, stop);
        var totals = host.Snapshot().Totals;
        if (guests.FindDifference(stop) is { } different)
        {
            faults.Add($"{contents.Name}, {mode} mode, {mappings} mappings: {different}");
        }

        return Figures(contents.Name, mode, mappings, optimum.Pages, optimum.SavedPages, totals, passes);
    }

    /// <summary>Guests that begin idle, and become busy page by page while they are scanned.</summary>
    private IEnumerable<BudgetFigures> MeasureBeforeAndAfter(
        IMemoryTrace trace, TraceContents numbers, FaultMode mode, int mappings, List<string> faults,
        CancellationToken stop)
    {
        using var host = Start(mode, mappings);
        var memory = new ReplayedMemory(host, trace, numbers, mode, stop);
        var passes = Converge(host, stop);
        yield return Figures("idle", mode, mappings, memory, host.Snapshot().Totals, passes);

        passes = [];
        var plan = WritePlan.Of(numbers, options.Seed).Pages.ToArray();
        foreach (var pages in plan.Chunk((plan.Length / PassesWhileWriting) + 1))
        {
            Array.ForEach(pages, page => memory.Write(page, Moment.Active));
            passes.Add(host.ScanOnce(stop));
        }

        passes.AddRange(Converge(host, stop));
        yield return Figures(BudgetResult.ActiveSince, mode, mappings, memory, host.Snapshot().Totals, passes);

        if (memory.FindDifference(static _ => Moment.Active, stop) is { } different)
        {
            faults.Add(
                $"{mode} mode, {mappings} mappings: page {different.Page} of {trace.Guests[different.Guest]} does not hold "
                + "what was written to it");
        }
    }

    private static IGuestHost Start(FaultMode mode, int mappings) => GuestHosts.Start(
        new EngineOptions { BackgroundScanning = false, FaultMode = mode, MappingBudget = mappings });

    private static List<PassReport> Converge(IGuestHost host, CancellationToken stop)
    {
        var passes = new List<PassReport>();
        for (var convergence = new Convergence(); !convergence.IsReached && passes.Count < MostPasses;)
        {
            passes.Add(host.ScanOnce(stop));
            stop.ThrowIfCancellationRequested();
            convergence.Add(passes[^1]);
        }

        return passes;
    }

    private static BudgetFigures Figures(
        string contents, FaultMode mode, int mappings, ReplayedMemory memory, CounterSet totals, List<PassReport> passes) =>
        Figures(contents, mode, mappings, memory.Counts.Pages, memory.Counts.OptimumPages, totals, passes);

    private static BudgetFigures Figures(
        string contents, FaultMode mode, int mappings, long pages, long optimumPages, CounterSet totals,
        List<PassReport> passes) => new()
        {
            Contents = contents,
            FaultMode = mode,
            Budget = mappings,
            MappingsUsed = totals.MappingsUsed,
            Pages = pages,
            OptimumPages = optimumPages,
            SavedPages = pages - (totals.ResidentBytes / PageSize.Bytes),
            Frames = totals.PagesShared,
            Passes = passes.Count,
            CpuSeconds = passes.Sum(static pass => pass.CpuTime.TotalSeconds),
        };
}

using System.Diagnostics;
using PageShare.Cli.Run;
using PageShare.Memory;
using PageShare.Workloads.Guests;
using PageShare.Workloads.Traces;

namespace PageShare.Workloads.Pacing;

/// <summary>The scanner's CPU against its budget, and what guests of a busy machine do with and without it.</summary>
internal sealed class PacingWorkload(PacingOptions options, Action<string> progress)
{
    private const long WarmUpBytes = 4 << 20;

    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    // As quick as can be, whatever else the machine does: only the budget bounds such a scanner.
    private EngineOptions Eager => new()
    {
        FaultMode = options.FaultMode,
        CpuBudgetPercent = options.BudgetPercent,
        TargetPassTime = TimeSpan.FromMilliseconds(100),
        ScanWhenBusy = true,
    };

    /// <summary>Runs it.</summary>
    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    public PacingResult Run(CancellationToken stop)
    {
        using var trace = options.Trace.Open();
        progress($"reading {trace.Name}");
        var contents = new Contents(trace, TraceContents.Of(trace, stop), Moment.Idle);
        var (percents, written) = WatchBudget(contents, stop);
        var result = new PacingResult
        {
            Memory = trace.Name,
            FaultMode = options.FaultMode,
            BudgetPercent = options.BudgetPercent,
            ScannerPercents = percents,
            PagesWrittenPerSecond = written,
            Rounds = Compare(contents, stop),
            Threads = Environment.ProcessorCount,
        };
        return result with { Bars = result.Judge() };
    }

    private (IReadOnlyList<double> Percents, double WrittenPerSecond) WatchBudget(
        Contents contents, CancellationToken stop)
    {
        WarmUp(stop);
        using var host = GuestHosts.Start(Eager);
        var guests = new LoadedGuests(host, contents, options.FaultMode, stop);
        using var writer = new RestlessWriter(guests.All, options.Seed);
        var watch = new ScannerWatch();
        host.Resume();
        var percents = new List<double>();
        for (var (clock, taken) = (Stopwatch.StartNew(), watch.CpuTime); percents.Count < options.Seconds;)
        {
            stop.WaitHandle.WaitOne(Second);
            stop.ThrowIfCancellationRequested();
            var (elapsed, now) = (clock.Elapsed, watch.CpuTime);
            percents.Add(100 * (now - taken) / elapsed);
            clock.Restart();
            taken = now;
            var totals = host.Snapshot().Totals;
            progress(
                $"budget of {options.BudgetPercent} % of a core: {percents[^1]:0.00} % taken in a second; "
                + $"{totals.FullScans} passes, {totals.SharingRatio * 100:0.0} % saved");
        }

        return (percents, writer.PagesPerSecond);
    }

    /// <summary>Has the scanner's code compiled: else one method that is compiled can take more than the budget of a
    /// second leaves for it, whatever the pacer does.</summary>
    private void WarmUp(CancellationToken stop)
    {
        using var trace = new SyntheticTrace(2, WarmUpBytes, options.Seed);
        using var host = GuestHosts.Start(new EngineOptions { FaultMode = options.FaultMode });
        _ = new LoadedGuests(
            host, new Contents(trace, TraceContents.Of(trace, stop), Moment.Idle), options.FaultMode, stop);
        host.Converge(stop);
    }

    private List<PacingRound> Compare(Contents contents, CancellationToken stop)
    {
        using var alone = GuestHosts.Start(new EngineOptions { FaultMode = options.FaultMode });
        using var shared = GuestHosts.Start(new EngineOptions { FaultMode = options.FaultMode });
        var without = new BusyGuests(new LoadedGuests(alone, contents, options.FaultMode, stop).All, options.Seed);
        var with = new BusyGuests(new LoadedGuests(shared, contents, options.FaultMode, stop).All, options.Seed);
        shared.Converge(stop);

        var rounds = new List<PacingRound>();
        while (rounds.Count < options.Rounds)
        {
            stop.ThrowIfCancellationRequested();

            // Each is the first of the two in every other turn.
            var isFirst = rounds.Count % 2 == 0;
            var before = isFirst ? without.Run(options.RoundTime) : default;
            var (after, scanner, breaks) = Work(shared, with);
            before = isFirst ? before : without.Run(options.RoundTime);
            rounds.Add(new PacingRound(
                before.PerSecond,
                after.PerSecond,
                Lost(before.PerSecond, after.PerSecond),
                Lost(before.PerCpuSecond, after.PerCpuSecond),
                100 * scanner / after.Elapsed,
                breaks));
            progress($"turn {rounds.Count} of {options.Rounds}: guests lose {rounds[^1].LostPercent:0.0} %");
        }

        return rounds;
    }

    private (WorkDone Done, TimeSpan Scanner, long Breaks) Work(IGuestHost host, BusyGuests guests)
    {
        var before = host.Snapshot().Totals;
        host.Resume();
        var done = guests.Run(options.RoundTime);
        host.Pause();
        var after = host.Snapshot().Totals;
        return (
            done,
            TimeSpan.FromSeconds(after.ScanCpuSeconds - before.ScanCpuSeconds),
            after.CowFaults - before.CowFaults);
    }

    private static double Lost(double without, double with) => 100 * (1 - (with / without));
}

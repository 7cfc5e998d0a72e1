using System.Diagnostics;
using PageShare.Cli.Traces;
using PageShare.Cli.Tune.Simulation;
using PageShare.Platform;

namespace PageShare.Cli.Tune;

/// <summary>One <c>pageshare tune</c>, from a trace to the report.</summary>
/// <param name="options">What to do.</param>
internal sealed class TuneSession(TuneOptions options)
{
    /// <summary>Runs it.</summary>
    /// <param name="stop">The user's wish to end.</param>
    /// <exception cref="CommandException">A trace can't be read, or the user has ended it.</exception>
    public TuneResult Run(CancellationToken stop)
    {
        try
        {
            using var progress = new StepProgress(Console.Error, Console.IsErrorRedirected);
            MemoryTrace trace = Read(options.Source, progress, stop);
            MemoryTrace? other = options.Judge is null ? null : Read(options.Judge, progress, stop);
            progress.Tell("measuring what hashing, merging and breaking cost here");
            MachineCosts costs = CostMeter.Measure();
            IPlatform platform = HostPlatform.Create();
            long mappings = Math.Max(0, (platform.MappingLimit / 2) - platform.CountMappings());
            return Tune(trace, other, costs, mappings, progress, stop);
        }
        catch (Exception stopped) when (stop.IsCancellationRequested
            && stopped is OperationCanceledException or AggregateException)
        {
            throw CommandException.Aborted("stopped before there was a result.");
        }
    }

    /// <summary>The same with costs that are known.</summary>
    internal TuneResult Tune(
        MemoryTrace trace,
        MemoryTrace? other,
        MachineCosts costs,
        long mappings,
        StepProgress progress,
        CancellationToken stop)
    {
        var clock = Stopwatch.StartNew();
        var schedule = new ChangeSchedule(trace);
        var search = new SettingsSearch(schedule, settings => Simulate(schedule, settings), options.CpuLimitPercent);
        search.Run((done, of) => progress.Step("simulating settings", done, of));
        JudgementReport? judgement = null;
        if (other is not null)
        {
            var otherSchedule = new ChangeSchedule(other);
            judgement = Judge(
                other,
                Simulate(otherSchedule, search.Defaults.Options),
                Simulate(otherSchedule, search.Best.Options));
        }

        var report = new TuneReport
        {
            Trace = TraceReport.Of(trace),
            Costs = costs,
            MappingLimit = mappings,
            SettingsTried = search.Tried.Count,
            Seconds = clock.Elapsed.TotalSeconds,
            CpuLimitPercent = search.CpuLimit,
            Defaults = OutcomeReport.Of(search.Defaults, overTime: true),
            Recommended = OutcomeReport.Of(search.Best, overTime: true),
            Configuration = SettingsText.ToJson(search.Best.Options),
            Settings = SettingsText.Explain(search.Best.Options),
            ParetoFront = [.. search.Front.Select(outcome => OutcomeReport.Of(outcome))],
            All = [.. search.Tried.Select(outcome => OutcomeReport.Of(outcome))],
            Judgement = judgement,
            Notes = [.. Notes(trace, search)],
        };
        return new TuneResult(report, trace, other, search.Best.Options);

        Outcome Simulate(ChangeSchedule what, EngineOptions settings)
        {
            using var guests = new SimulatedGuests(what.Trace, settings, costs, mappings);
            return new ScanLoop(what, settings, guests, costs).Run(stop);
        }
    }

    private static JudgementReport Judge(MemoryTrace trace, Outcome defaults, Outcome recommended) => new(
        TraceReport.Of(trace),
        OutcomeReport.Of(defaults, overTime: true),
        OutcomeReport.Of(recommended, overTime: true),
        SavesMore: recommended.MeanNetBytes > defaults.MeanNetBytes,
        AtNoMoreCpu: recommended.CpuPercent <= defaults.CpuPercent);

    private static IEnumerable<string> Notes(MemoryTrace trace, SettingsSearch search)
    {
        if (trace.Moments.Count == 1)
        {
            yield return "The trace is one moment, so nothing changes in it: how fast to rescan can't be told from it. "
                + "Record several moments.";
        }

        if (trace.Moments.All(moment => moment.Load is null))
        {
            yield return "Images do not tell how busy the machine was: it counts as idle. A recording of processes "
                + "tells.";
        }

        TraceMoment[] loaded = [.. trace.Moments.Where(moment => moment.Load is not null)];
        int busy = loaded.Count(moment => IsBusy(moment.Load!.Value, search.Defaults.Options));
        if (busy * 2 > loaded.Length)
        {
            yield return $"The machine was busy in {busy} of {loaded.Length} intervals, by the idle policy's defaults, so the "
                + "scanner stood back. What it could save with more CPU is on the front; --cpu-limit allows it.";
        }

        if (search.Tried.All(outcome => outcome.MeanNetBytes <= 0))
        {
            yield return "Sharing costs more memory than it saves here: leave these guests alone.";
        }

        if (search.Best.CpuPercent > search.CpuLimit)
        {
            yield return $"No settings keep to {search.CpuLimit:0.###} % of a core: those that take least are "
                + "recommended.";
        }
    }

    private static bool IsBusy(IntervalLoad load, EngineOptions options) =>
        load.IdlePercent < options.IdleThresholdPercent || load.CpuPressurePercent >= options.PressureLimitPercent;

    private MemoryTrace Read(TraceSource source, StepProgress progress, CancellationToken stop)
    {
        if (source.Recording is string path)
        {
            progress.Tell($"reading {path}");
            return RecordingReader.Read(path);
        }

        return ImageTrace.Read(source.Images, options.Threads, progress.Tell, stop);
    }
}

/// <summary>What tuning found, and on what.</summary>
/// <param name="Report">What it found.</param>
/// <param name="Trace">What was tuned for.</param>
/// <param name="Other">What it was judged on as well; null if nothing.</param>
/// <param name="Recommended">The settings.</param>
internal sealed record TuneResult(
    TuneReport Report, MemoryTrace Trace, MemoryTrace? Other, EngineOptions Recommended);

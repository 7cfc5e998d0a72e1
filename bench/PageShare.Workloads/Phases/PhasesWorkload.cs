using System.Diagnostics;
using PageShare.Cli.Run;
using PageShare.Workloads.Guests;
using PageShare.Workloads.Traces;

namespace PageShare.Workloads.Phases;

/// <summary>
/// Guests begin idle, become busy by writing the pages that differ, rest, go back, rest again; meanwhile the scanner
/// works in the background and samples are taken. It shows how sharing collapses as guests get busy, and how far
/// rescanning repairs it.
/// </summary>
internal sealed class PhasesWorkload(PhasesOptions options, Action<string> progress)
{
    private readonly List<ReplayPhase> _phases = [];

    /// <summary>Runs it.</summary>
    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    public PhasesResult Run(CancellationToken stop)
    {
        using var trace = options.Trace.Open();
        progress($"reading {trace.Name}");
        var contents = TraceContents.Of(trace, stop);
        var most = (int)Math.Min(int.MaxValue, options.WriteRate * options.LongestMove.TotalSeconds);
        var plan = WritePlan.Of(contents, options.Seed, most);
        using var host = GuestHosts.Start(options.EngineOptions());
        progress($"loading {trace.Guests.Count} guests");
        var memory = new ReplayedMemory(host, trace, contents, options.FaultMode, stop);
        using var sampler = new PhaseSampler(host, memory, options.SampleInterval, progress);

        Phase("converge", false, sampler, memory, () => Converge(host, stop));
        memory.MarkConverged();
        host.Resume();
        Phase("get busy", true, sampler, memory, () => Move(memory, plan, Moment.Active, stop));
        Phase("rest", false, sampler, memory, () => Wait(options.Rest, stop));
        Phase("go back", true, sampler, memory, () => Move(memory, plan, Moment.Idle, stop));
        Phase("rest again", false, sampler, memory, () => Wait(options.Rest, stop));
        host.Pause();
        var samples = sampler.Finish();

        progress("comparing every byte");
        var different = memory.FindDifference(static _ => Moment.Idle, stop);
        stop.ThrowIfCancellationRequested();
        return new PhasesResult
        {
            Memory = trace.Name,
            Guests = host.Kind,
            Engine = options.EngineOptions(),
            PagesThatDiffer = plan.Pages.Length,
            Samples = samples,
            Phases = _phases,
            Bars = PhaseBars.Judge(samples, [.. _phases.Skip(1)], options.WriteRate),
            Fault = different is { } place
                ? $"page {place.Page} of {trace.Guests[place.Guest]} does not hold what was written to it"
                : null,
        };
    }

    private static void Converge(IGuestHost host, CancellationToken stop)
    {
        var convergence = new Convergence();
        while (!convergence.IsReached)
        {
            convergence.Add(host.ScanOnce(stop));
            stop.ThrowIfCancellationRequested();
        }
    }

    /// <summary>Writes the planned pages at the rate that was asked for, a millisecond's worth at a time.</summary>
    private void Move(ReplayedMemory memory, WritePlan plan, Moment moment, CancellationToken stop)
    {
        var clock = Stopwatch.StartNew();
        var pace = new WorkPace(options.WriteRate);
        for (var rest = plan.Pages; rest.Length > 0;)
        {
            var due = Math.Min(rest.Length, pace.Due(clock.Elapsed));
            foreach (var page in rest[..due])
            {
                memory.Write(page, moment);
            }

            rest = rest[due..];

            Wait(TimeSpan.FromMilliseconds(1), stop);
        }
    }

    private void Phase(string name, bool isWriting, PhaseSampler sampler, ReplayedMemory memory, Action action)
    {
        progress($"phase: {name}");
        var (began, written) = (sampler.Seconds, memory.Counts.PagesWritten);
        action();
        sampler.Take(); // so that the phase's last figures are those of its end
        _phases.Add(new ReplayPhase(
            name, isWriting, began, sampler.Seconds, memory.Counts.PagesWritten - written));
    }

    private static void Wait(TimeSpan time, CancellationToken stop)
    {
        if (stop.WaitHandle.WaitOne(time))
        {
            stop.ThrowIfCancellationRequested();
        }
    }
}

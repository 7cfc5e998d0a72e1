using System.Diagnostics;
using PageShare.Cli.Scan;
using PageShare.Cli.Scan.Report;
using PageShare.Cli.Scan.Targets;
using PageShare.Cli.Traces;
using PageShare.Platform;

namespace PageShare.Cli.Record;

/// <summary>One <c>pageshare record</c>: reads the targets moment by moment and writes what changed.</summary>
/// <param name="options">What to do.</param>
/// <param name="progress">Is told of each moment.</param>
internal sealed class RecordSession(RecordOptions options, TextWriter progress)
{
    // Guests that a host gets later are not recorded: each moment tells of the same ones.
    private readonly IReadOnlyList<string> _names = TargetName.Expand(options.Targets);
    private readonly ILoadSource _load = HostPlatform.Create().LoadSource;
    private readonly List<MomentReport> _moments = [];
    private readonly List<ProblemReport> _problems = [];
    private int _late;

    /// <summary>Runs it.</summary>
    /// <param name="stop">The user's wish to end, which is how most recordings do.</param>
    /// <exception cref="CommandException">Nothing can be recorded.</exception>
    public RecordReport Run(CancellationToken stop)
    {
        Check();
        using var reader = new MomentReader(_names, options.Threads);
        using var writer = new RecordingWriter(options.Output, _names);
        try
        {
            Record(reader, writer, stop);
            if (_moments.Count == 0)
            {
                throw stop.IsCancellationRequested
                    ? CommandException.Aborted("stopped before the first moment was read: there is no recording.")
                    : CommandException.Failed(string.Join(
                        Environment.NewLine, _problems.Select(problem => $"{problem.Target}: {problem.Message}")));
            }

            writer.End();
            return new RecordReport
            {
                File = options.Output,
                Bytes = writer.Bytes,
                Targets = _names,
                Moments = _moments,
                DistinctPages = reader.DistinctContents,
                IntervalSeconds = options.Interval.TotalSeconds,
                LateMoments = _late,
                Problems = _problems,
            };
        }
        catch (IOException failed)
        {
            throw CommandException.Failed($"{options.Output} can't be written: {failed.Message}", failed);
        }
        finally
        {
            if (_moments.Count == 0)
            {
                // Made by us a moment ago, and nothing is in it.
                File.Delete(options.Output);
            }
        }
    }

    private void Record(MomentReader reader, RecordingWriter writer, CancellationToken stop)
    {
        var clock = Stopwatch.StartNew();
        TimeSpan due = TimeSpan.Zero;
        TimeSpan? first = null;
        while (!stop.IsCancellationRequested)
        {
            TimeSpan began = clock.Elapsed;
            if (ReadMoment(reader, began - (first ?? began), stop) is not Moment moment || reader.Populated == 0)
            {
                return;
            }

            first ??= began;
            writer.Add(moment);
            TimeSpan took = clock.Elapsed - began;
            _moments.Add(new MomentReport(
                moment.At.TotalSeconds, reader.Populated, reader.Changed, took.TotalSeconds));
            progress.WriteLine(RecordSummary.Format(_moments.Count, _moments[^1], writer.Bytes));
            due += options.Interval;
            if (reader.AllEnded || due > (options.Duration ?? TimeSpan.MaxValue))
            {
                return;
            }

            if (clock.Elapsed > due + first.Value)
            {
                _late++;
                due = clock.Elapsed - first.Value;
            }
            else
            {
                stop.WaitHandle.WaitOne(due + first.Value - clock.Elapsed);
            }
        }
    }

    private Moment? ReadMoment(MomentReader reader, TimeSpan at, CancellationToken stop)
    {
        var seen = new SharedMemory();
        ScanTarget[] targets = [.. _names.Select(name => TargetName.Resolve(name, seen, eachPage: true))];
        try
        {
            MachineLoad? load = _load.TryRead(out MachineLoad sample) ? sample : null;
            Moment? moment = reader.Read(targets, at, load, stop);
            foreach (ScanTarget target in targets)
            {
                _problems.AddRange(target.Problems.Select(problem => new ProblemReport(target.Name, problem)));
            }

            return moment;
        }
        finally
        {
            Array.ForEach(targets, target => target.Dispose());
        }
    }

    private void Check()
    {
        var seen = new SharedMemory();
        foreach (string name in _names)
        {
            using ScanTarget target = TargetName.Resolve(name, seen);
            if (target is not (ProcessTarget or GuestTarget or ImageTarget))
            {
                throw CommandException.BadUsage(
                    $"{name} is a {target.Kind}, which does not change: pageshare scan counts its pages. Record "
                    + "pid:NUMBER, host:SOCKET, or a memory image that is written to.");
            }

            if (target is ImageTarget && Path.GetFullPath(name) == Path.GetFullPath(options.Output))
            {
                throw CommandException.BadUsage($"--out {options.Output} is a target: nothing is written to targets.");
            }
        }

        if (options.Duration is TimeSpan duration && duration < options.Interval)
        {
            throw CommandException.BadUsage(
                $"--duration {duration.TotalSeconds} s is less than --interval {options.Interval.TotalSeconds} s: a "
                + "recording of one moment tells nothing of change.");
        }
    }
}

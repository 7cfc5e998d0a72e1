using PageShare.Workloads.Traces;

namespace PageShare.Workloads.Ksm;

/// <summary>The same memory in KSM's hands and in ours, one after the other in one run.</summary>
internal sealed class KsmWorkload(KsmOptions options, Action<string> progress)
{
    /// <summary>Runs it.</summary>
    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    public KsmResult Run(CancellationToken stop)
    {
        var daemon = KsmDaemon.Find();
        if ((KsmSettings.WhyNot ?? (daemon is null ? "ksmd is not to be seen in /proc." : null)) is { } reason)
        {
            return new KsmResult { Skipped = reason };
        }

        using var trace = options.Trace.Open();
        progress($"reading {trace.Name}");
        var numbers = TraceContents.Of(trace, stop);
        using var settings = KsmSettings.Take();
        var figures = new List<ContenderFigures>();
        var faults = new List<string>();
        foreach (var moment in options.Trace.IsPair ? [Moment.Idle] : Enum.GetValues<Moment>())
        {
            var contents = new Contents(trace, numbers, moment);
            foreach (var (name, choice) in Choices(moment))
            {
                progress($"{contents.Name}: {name}");
                figures.Add(new KsmContender(name, choice, settings, daemon!, progress).Run(contents, options, stop));
            }

            foreach (var contender in PageShareContender.All)
            {
                progress($"{contents.Name}: {contender.Name}");
                figures.Add(contender.Run(contents, options, out var different, stop));
                faults.AddRange(different is null ? [] : [different]);
            }
        }

        return new KsmResult
        {
            Memory = trace.Name,
            Limit = options.Limit,
            Contenders = figures,
            Bars = KsmResult.Judge(figures, options.Trace.IsPair ? KsmResult.MostCpuOfPair : KsmResult.MostCpu),
            Notes = options.IsQuick ? ["Quick: KSM's slow settings on idle memory only, and cut short."] : [],
            Fault = faults.Count > 0 ? string.Join("; ", faults) : null,
        };
    }

    private IEnumerable<(string Name, IReadOnlyList<(string Name, string Value)> Choice)> Choices(Moment moment)
    {
        yield return (KsmResult.FlatOut, KsmSettings.FlatOut);
        if (options.Trace.IsPair || (options.IsQuick && moment != Moment.Idle))
        {
            yield break;
        }

        yield return ("KSM, defaults", KsmSettings.Defaults);
        if (KsmSettings.HasAdvisor)
        {
            yield return ("KSM, advisor scan-time", KsmSettings.Advised);
        }
    }
}

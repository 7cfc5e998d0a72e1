using PageShare.Workloads.Traces;

namespace PageShare.Workloads.Phases;

/// <summary>What <c>phases</c> was asked for.</summary>
internal sealed record PhasesOptions
{
    /// <summary>Which memory.</summary>
    public required TraceChoice Trace { get; init; }

    /// <summary>Pages that all guests together write per second while they move.</summary>
    public int WriteRate { get; init; } = 5000;

    /// <summary>Longest time of each move; pages beyond it stay as they are.</summary>
    public TimeSpan LongestMove { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>How long guests rest after each.</summary>
    public TimeSpan Rest { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The engine's target for a pass; null: its default.</summary>
    public TimeSpan? PassTime { get; init; }

    /// <summary>The scanner's budget in percent of a core; null: the engine's default.</summary>
    public double? CpuBudgetPercent { get; init; }

    /// <summary>How stores to shared pages are caught.</summary>
    public FaultMode FaultMode { get; init; }

    /// <summary>Of the order of writes.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Time between two samples.</summary>
    public TimeSpan SampleInterval { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>
    /// The engine's settings. It does not yield to a busy machine: on one, else, the neighbours would be measured.
    /// </summary>
    public EngineOptions EngineOptions()
    {
        var options = new EngineOptions { FaultMode = FaultMode, ScanWhenBusy = true };
        return options with
        {
            TargetPassTime = PassTime ?? options.TargetPassTime,
            CpuBudgetPercent = CpuBudgetPercent ?? options.CpuBudgetPercent,
        };
    }
}

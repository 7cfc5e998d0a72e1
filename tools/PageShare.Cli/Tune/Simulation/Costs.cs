using System.Text.Json;
using System.Text.Json.Serialization;

namespace PageShare.Cli.Tune.Simulation;

/// <summary>What the scanner and breaks cost on this machine in one fault mode, in nanoseconds of CPU time.</summary>
internal sealed record Costs
{
    /// <summary>Each of the scanner's tasks, by its number; nothing if nothing is said.</summary>
    [JsonIgnore]
    public IReadOnlyList<double> Prices { get; init; } = new double[ScanWork.Tasks];

    /// <summary>The same by name.</summary>
    public IReadOnlyDictionary<string, double> Scanner => Enum.GetValues<ScanTask>().ToDictionary(
        task => JsonNamingPolicy.CamelCase.ConvertName(task.ToString()), Of);

    /// <summary>A store to a shared page, which the guest pays.</summary>
    public required double Break { get; init; }

    /// <summary>Each page more that the same store breaks.</summary>
    public required double BreakAhead { get; init; }

    /// <summary>
    /// A first store to a page after each pass, which the guest pays where written pages are tracked.
    /// </summary>
    public required double TrackedStore { get; init; }

    /// <summary>All for nothing, where only the work counts.</summary>
    public static Costs None { get; } = new()
    {
        Break = 0,
        BreakAhead = 0,
        TrackedStore = 0,
    };

    /// <summary>What a task takes.</summary>
    public double Of(ScanTask task) => Prices[(int)task];
}

/// <summary>The costs in both modes, and what is the same in both.</summary>
/// <param name="Signal">In mode Signal.</param>
/// <param name="Kernel">In mode Kernel.</param>
/// <param name="Wake">Each time that the scanner's thread wakes up, whatever it then does.</param>
/// <param name="Pass">Each pass, beside its steps.</param>
/// <param name="CountMapping">Each of the process's mappings when they are counted.</param>
/// <param name="TellsOfCopies">Whether the kernel tells at once of pages that it copies in mode Kernel.</param>
internal sealed record MachineCosts(
    Costs Signal, Costs Kernel, double Wake, double Pass, double CountMapping, bool TellsOfCopies)
{
    /// <summary>All for nothing.</summary>
    public static MachineCosts None { get; } = new(Costs.None, Costs.None, 0, 0, 0, TellsOfCopies: true);

    /// <summary>The costs in a mode.</summary>
    public Costs Of(FaultMode mode) => mode == FaultMode.Kernel ? Kernel : Signal;
}

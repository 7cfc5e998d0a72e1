using System.Text.Json.Serialization;

namespace PageShare.Workloads.Reporting;

/// <summary>What a workload found. Those of the workloads add their figures; what is shown is made of them.</summary>
internal abstract record WorkloadResult
{
    /// <summary>The command that made it.</summary>
    public abstract string Workload { get; }

    /// <summary>Why it was not run; null if it was.</summary>
    public string? Skipped { get; init; }

    /// <summary>What the reader should know, a sentence each.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>What was to be reached.</summary>
    public IReadOnlyList<Bar> Bars { get; init; } = [];

    /// <summary>What is wrong and makes the command fail: never a figure, always a fault. Null if nothing is.</summary>
    public string? Fault { get; init; }

    /// <summary>The heading of its part of a report.</summary>
    [JsonIgnore]
    public abstract string Title { get; }

    /// <summary>Its figures as tables.</summary>
    [JsonIgnore]
    public abstract IReadOnlyList<ResultTable> Tables { get; }

    /// <summary>Its figures as charts.</summary>
    [JsonIgnore]
    public virtual IReadOnlyList<LineChart> Charts => [];
}

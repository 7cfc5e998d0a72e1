namespace PageShare.Workloads.Reporting;

/// <summary>Something to be reached, and what was.</summary>
/// <param name="Name">What it demands, in words.</param>
/// <param name="Limit">The demanded figure.</param>
/// <param name="Figure">The measured one; null if there was nothing to measure it by.</param>
/// <param name="Unit">Of both.</param>
/// <param name="AtLeast">Whether the limit is a least figure, else a most.</param>
internal sealed record Bar(string Name, double Limit, double? Figure, string Unit, bool AtLeast)
{
    /// <summary>Whether it was reached; null if it was not measured.</summary>
    public bool? Reached => Figure is { } figure ? (AtLeast ? figure >= Limit : figure <= Limit) : null;

    /// <summary>The verdict in a word.</summary>
    public string Verdict => Reached switch
    {
        true => "reached",
        false => "NOT reached",
        null => "not measured",
    };
}

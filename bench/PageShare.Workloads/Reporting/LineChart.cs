namespace PageShare.Workloads.Reporting;

/// <summary>Lines over a common axis, for a report.</summary>
/// <param name="Title">What they show.</param>
/// <param name="XLabel">The horizontal axis, with its unit.</param>
/// <param name="YLabel">The vertical axis, with its unit.</param>
/// <param name="Lines">The lines.</param>
/// <param name="Description">The same in words, for who can't see it.</param>
internal sealed record LineChart(
    string Title, string XLabel, string YLabel, IReadOnlyList<ChartLine> Lines, string Description)
{
    /// <summary>Spans of the horizontal axis that have a name.</summary>
    public IReadOnlyList<ChartSpan> Spans { get; init; } = [];
}

/// <summary>A line: its name and its points, in order.</summary>
internal sealed record ChartLine(string Name, IReadOnlyList<(double X, double Y)> Points);

/// <summary>A stretch of the horizontal axis.</summary>
internal sealed record ChartSpan(string Name, double From, double To);

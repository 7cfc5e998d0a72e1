namespace PageShare.Workloads.Reporting;

/// <summary>A table of a report. The first column names its rows.</summary>
/// <param name="Title">What it shows.</param>
/// <param name="Columns">Headings.</param>
/// <param name="Rows">Cells, as many as headings.</param>
internal sealed record ResultTable(string Title, IReadOnlyList<string> Columns, IReadOnlyList<string[]> Rows)
{
    /// <summary>The bars of a workload as a table.</summary>
    public static ResultTable Of(IEnumerable<Bar> bars) => new(
        "Bars",
        ["bar", "demanded", "measured", "verdict"],
        [.. bars.Select(static bar => new[]
        {
            bar.Name,
            $"{(bar.AtLeast ? "≥" : "≤")} {Figures.Short(bar.Limit)} {bar.Unit}",
            bar.Figure is { } figure ? $"{Figures.Short(figure)} {bar.Unit}" : "",
            bar.Verdict,
        })]);

    /// <summary>Writes it for people: names to the left, figures to the right.</summary>
    public void Write(TextWriter output)
    {
        var widths = Columns
            .Select((name, column) => Rows.Select(row => row[column].Length).Append(name.Length).Max())
            .ToArray();
        output.WriteLine(Title);
        WriteRow(output, widths, Columns);
        WriteRow(output, widths, [.. widths.Select(static width => new string('-', width))]);
        foreach (var row in Rows)
        {
            WriteRow(output, widths, row);
        }

        output.WriteLine();
    }

    private static void WriteRow(TextWriter output, int[] widths, IReadOnlyList<string> cells)
    {
        var texts = cells.Select((cell, column) =>
            column == 0 ? cell.PadRight(widths[0]) : cell.PadLeft(widths[column]));
        output.WriteLine($"  {string.Join("  ", texts)}".TrimEnd());
    }
}

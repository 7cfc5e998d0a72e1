using System.Globalization;
using PageShare.Cli.Html;
using PlotScale = PageShare.Cli.Html.Scale; // "scale" is one of our workloads, too

namespace PageShare.Workloads.Reporting;

/// <summary>A report as one page that needs nothing else: plots, each with its figures in words and numbers, and the
/// tables.</summary>
internal static class ReportPage
{
    // The first two are what is compared; the rest recurs, dashed.
    private static readonly string[] Styles =
    [
        "s1", "s2", "s3 dashed", "s4", "s5", "s1 dashed", "s2 dashed", "s4 dashed",
    ];

    /// <summary>The whole page.</summary>
    public static HtmlPage Of(WorkloadReport report)
    {
        var when = report.StartedAt.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);
        var page = new HtmlPage("PageShare workloads", $"{when}, {report.Machine}");
        if (report.Quick)
        {
            page.Paragraph("Small sizes and short times (--quick): not for figures to quote.", "note");
        }

        if (report.Machine.IsBusy)
        {
            page.Paragraph(WorkloadReport.BusyWarning, "note");
        }

        foreach (var result in report.Workloads)
        {
            Add(page, result);
        }

        return page;
    }

    private static void Add(HtmlPage page, WorkloadResult result)
    {
        page.Heading($"{result.Workload}: {result.Title}");
        if (result.Skipped is { } reason)
        {
            page.Paragraph($"Left out: {reason}");
            return;
        }

        if (result.Fault is { } fault)
        {
            page.Problems([$"Fault: {fault}"]);
        }

        page.Notes(result.Notes);
        foreach (var chart in result.Charts)
        {
            page.Add(PlotOf(chart));
        }

        if (result.Bars.Count > 0)
        {
            Add(page, ResultTable.Of(result.Bars));
        }

        foreach (var table in result.Tables)
        {
            Add(page, table);
        }
    }

    private static LinePlot PlotOf(LineChart chart)
    {
        var spans = string.Join(", ", chart.Spans.Select(static span =>
            string.Create(CultureInfo.InvariantCulture, $"{span.Name} {span.From:0.0} to {span.To:0.0}")));
        var plot = new LinePlot(
            $"{chart.Title}: {chart.YLabel}",
            spans.Length == 0 ? chart.Description : $"{chart.Description} By {chart.XLabel}: {spans}.")
        {
            X = new PlotScale(chart.XLabel, Mark),
            Y = new PlotScale(chart.YLabel, Mark),
        };
        for (var i = 0; i < chart.Lines.Count; i++)
        {
            plot.Curve(Styles[i % Styles.Length], chart.Lines[i].Name, chart.Lines[i].Points);
        }

        return plot;
    }

    private static string Mark(double value) => value.ToString("#,0.###", CultureInfo.InvariantCulture);

    private static void Add(HtmlPage page, ResultTable table)
    {
        page.Paragraph(table.Title, "note");
        var shown = new HtmlTable(table.Title, [.. table.Columns]);
        foreach (var row in table.Rows)
        {
            shown.Row(row);
        }

        page.Add(shown);
    }
}

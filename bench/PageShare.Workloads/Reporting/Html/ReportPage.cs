using System.Globalization;
using System.Net;
using System.Text;

namespace PageShare.Workloads.Reporting.Html;

/// <summary>A report as one page that needs nothing else: tables, charts, and each chart's figures in words and
/// numbers.</summary>
internal static class ReportPage
{
    // Of a chart's figures so many are shown as a table: the rest is in the JSON.
    private const int MostPoints = 40;

    private static readonly string Style = ReadStyle();

    /// <summary>The whole page.</summary>
    public static string Of(WorkloadReport report)
    {
        var page = new StringBuilder();
        page.Append("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")
            .Append("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n")
            .Append("<title>PageShare workloads</title>\n<style>\n").Append(Style)
            .Append("</style>\n</head>\n<body>\n")
            .Append("<h1>PageShare workloads</h1>\n")
            .Append("<p class=\"soft\">")
            .Append(Text(report.StartedAt.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture)))
            .Append(", ").Append(Text(report.Machine.ToString())).Append("</p>\n");
        if (report.Quick)
        {
            page.Append("<p>Small sizes and short times (<code>--quick</code>): not for figures to quote.</p>\n");
        }

        if (report.Machine.IsBusy)
        {
            page.Append("<p>").Append(Text(WorkloadReport.BusyWarning)).Append("</p>\n");
        }

        foreach (var result in report.Workloads)
        {
            Add(page, result);
        }

        return page.Append("</body>\n</html>\n").ToString();
    }

    private static void Add(StringBuilder page, WorkloadResult result)
    {
        page.Append("<h2>").Append(Text($"{result.Workload}: {result.Title}")).Append("</h2>\n");
        if (result.Skipped is { } reason)
        {
            page.Append("<p>Left out: ").Append(Text(reason)).Append("</p>\n");
            return;
        }

        if (result.Fault is { } fault)
        {
            page.Append("<p class=\"missed\">Fault: ").Append(Text(fault)).Append("</p>\n");
        }

        foreach (var note in result.Notes)
        {
            page.Append("<p>").Append(Text(note)).Append("</p>\n");
        }

        var number = 0;
        foreach (var chart in result.Charts)
        {
            Add(page, chart, $"{result.Workload}-{number++}");
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

    private static void Add(StringBuilder page, LineChart chart, string id)
    {
        page.Append("<figure>\n<h3>").Append(Text(chart.Title)).Append("</h3>\n<div class=\"wide\">\n")
            .Append(ChartSvg.Draw(chart, id)).Append("</div>\n<ul class=\"legend\">\n");
        for (var i = 0; i < chart.Lines.Count; i++)
        {
            page.Append("<li><svg viewBox=\"0 0 38 8\" aria-hidden=\"true\"><path class=\"line k").Append(i % 8)
                .Append("\" d=\"M0 4H38\"/></svg>").Append(Text(chart.Lines[i].Name)).Append("</li>\n");
        }

        page.Append("</ul>\n<figcaption>").Append(Text(chart.Description)).Append("</figcaption>\n")
            .Append("<details><summary>The figures</summary>\n");
        foreach (var line in chart.Lines)
        {
            var step = Math.Max(1, (line.Points.Count + MostPoints - 1) / MostPoints);
            Add(page, new ResultTable(
                line.Name,
                [chart.XLabel, chart.YLabel],
                [
                    .. line.Points.Where((_, index) => index % step == 0 || index == line.Points.Count - 1)
                        .Select(static point => new[] { Figures.Short(point.X), Figures.Short(point.Y) }),
                ]));
        }

        page.Append("</details>\n</figure>\n");
    }

    private static void Add(StringBuilder page, ResultTable table)
    {
        page.Append("<div class=\"wide\"><table>\n<caption>").Append(Text(table.Title))
            .Append("</caption>\n<thead><tr>");
        foreach (var column in table.Columns)
        {
            page.Append("<th scope=\"col\">").Append(Text(column)).Append("</th>");
        }

        page.Append("</tr></thead>\n<tbody>\n");
        foreach (var row in table.Rows)
        {
            page.Append("<tr>");
            foreach (var cell in row)
            {
                page.Append("<td").Append(ClassOf(cell)).Append('>').Append(Text(cell)).Append("</td>");
            }

            page.Append("</tr>\n");
        }

        page.Append("</tbody>\n</table></div>\n");
    }

    private static string ClassOf(string cell) => cell switch
    {
        "reached" => " class=\"reached\"",
        "NOT reached" => " class=\"missed\"",
        _ => "",
    };

    private static string ReadStyle()
    {
        using var stream = typeof(ReportPage).Assembly.GetManifestResourceStream("report.css")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    private static string Text(string text) => WebUtility.HtmlEncode(text);
}

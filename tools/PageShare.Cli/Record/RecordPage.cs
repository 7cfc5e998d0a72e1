using PageShare.Cli.Html;

namespace PageShare.Cli.Record;

/// <summary>What a recording holds as a web page.</summary>
internal static class RecordPage
{
    /// <summary>Makes it.</summary>
    public static HtmlPage Of(RecordReport report)
    {
        MomentReport last = report.Moments[^1];
        long changed = report.Moments.Skip(1).Sum(moment => moment.ChangedPages);
        HtmlPage page = new HtmlPage(
            "What was recorded",
            $"{report.File}: {report.Moments.Count} moments of {string.Join(", ", report.Targets)}.")
            .Problems(report.Problems.Select(problem => $"{problem.Target}: {problem.Message}"))
            .Tiles(
                new Tile("memory", Quantity.Pages(last.Pages), "at the last moment"),
                new Tile("changed", Quantity.Pages(changed), "from the first moment to the last"),
                new Tile("distinct", Quantity.Pages(report.DistinctPages), "over all moments, not zero"),
                new Tile("duration", Quantity.Seconds(last.AtSeconds)),
                new Tile("file", Quantity.Bytes(report.Bytes)));
        if (report.Moments.Count > 1)
        {
            page.Add(new LinePlot("Memory over time", "Memory that the targets had, and what of it had changed since the "
                + "moment before.")
            {
                X = Scale.Seconds("seconds since the first moment"),
                Y = Scale.Bytes("memory"),
            }
                .Curve("s1", "memory", report.Moments.Select(m => (m.AtSeconds, BytesOf(m.Pages))))
                .Curve("s2", "changed", report.Moments.Skip(1).Select(m => (m.AtSeconds, BytesOf(m.ChangedPages)))));
        }

        var table = new HtmlTable("Moments", "seconds", "memory", "changed", "pages changed", "read in");
        foreach (MomentReport moment in report.Moments)
        {
            table.Row(
                HtmlText.Number(moment.AtSeconds),
                Quantity.Pages(moment.Pages),
                Quantity.Pages(moment.ChangedPages),
                Quantity.Count(moment.ChangedPages),
                Quantity.Seconds(moment.ReadSeconds));
        }

        return page.Heading("Moments").Add(table);
    }

    private static double BytesOf(long pages) => (double)pages * Quantity.PageBytes;
}

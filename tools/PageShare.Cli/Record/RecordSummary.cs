using System.Globalization;

namespace PageShare.Cli.Record;

/// <summary>What a recording holds, as people read it.</summary>
internal static class RecordSummary
{
    /// <summary>Writes it.</summary>
    public static void Write(TextWriter output, RecordReport report)
    {
        MomentReport last = report.Moments[^1];
        long changed = report.Moments.Skip(1).Sum(moment => moment.ChangedPages);
        output.WriteLine();
        Line("recorded", $"{report.File}: {report.Moments.Count} moments in {Quantity.Seconds(last.AtSeconds)}, "
            + $"{Quantity.Bytes(report.Bytes)}");
        Line("memory", $"{Quantity.Pages(last.Pages)} of {report.Targets.Count} targets; "
            + $"{Quantity.Count(report.DistinctPages)} distinct pages that are not zero, over all moments");
        if (last.AtSeconds > 0)
        {
            Line("changes", $"{Quantity.Count(changed)} pages, {Quantity.Count(changed / last.AtSeconds)} a second");
        }

        if (report.LateMoments > 0)
        {
            Line("note", $"{report.LateMoments} moments took longer to read than the interval of "
                + $"{Quantity.Seconds(report.IntervalSeconds)}: ask for a longer one.");
        }

        Line("next", $"pageshare tune {report.File}");

        void Line(string name, string text) => output.WriteLine($"  {name,-10} {text}");
    }

    /// <summary>A moment as one line, for those who watch.</summary>
    public static string Format(int number, MomentReport moment, long fileBytes) => string.Create(
        CultureInfo.InvariantCulture,
        $"{moment.AtSeconds,6:0.0} s  moment {number}: {Quantity.Pages(moment.Pages)}, ")
        + $"{Quantity.Pages(moment.ChangedPages)} changed, read in {Quantity.Seconds(moment.ReadSeconds)}, "
        + $"file {Quantity.Bytes(fileBytes)}";
}

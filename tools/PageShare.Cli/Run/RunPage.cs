using PageShare.Cli.Html;
using PageShare.Metrics;

namespace PageShare.Cli.Run;

/// <summary>A run as a web page.</summary>
internal static class RunPage
{
    /// <summary>Makes it.</summary>
    public static HtmlPage Of(RunResult result, SavingHistory history)
    {
        CounterSet totals = result.Snapshot.Totals;
        HtmlPage page = new HtmlPage(
            "What sharing saved",
            $"{Quantity.Guests(result.Verdicts.Count)} with {Quantity.Pages(result.Loaded.Pages)}, "
                + $"{Quantity.Seconds(result.Share.Seconds)}, fault mode {RunHead.FaultModeName(result.Options.FaultMode)}.")
            .Problems(result.Share.Faults.Concat(result.Verdicts.SelectMany(verdict => verdict.Messages)))
            .Notes(result.Snapshot.Warnings)
            .Tiles(Tiles(result));
        if (history.Points.Count > 1)
        {
            page.Add(OverTime(result, history));
        }

        page.Heading("Where the pages are").Add(Uses(totals));
        return page.Heading("By guest").Add(GuestTable(result));
    }

    private static IEnumerable<Tile> Tiles(RunResult result)
    {
        CounterSet totals = result.Snapshot.Totals;
        yield return new Tile(
            "saved", Quantity.Bytes(totals.SavedBytes), $"{Quantity.Percent(totals.SharingRatio)} of what guests wrote");
        yield return new Tile("net saving", Quantity.Bytes(totals.NetSavedBytes), "less all tables");
        yield return new Tile(
            "at best", Quantity.Bytes(result.Loaded.BestSavedBytes), "by exact counting of what was loaded");
        yield return new Tile(
            "scanner CPU", Quantity.Seconds(totals.ScanCpuSeconds), $"{totals.FullScans} full passes");
        yield return new Tile(
            "breaks",
            Quantity.Count(totals.CowFaults),
            totals.CowFaultNanoseconds.P99 > 0 ? $"p99 {Quantity.Microseconds(totals.CowFaultNanoseconds.P99)}" : "");
        yield return new Tile(
            "verified", result.Verified ? "every byte" : "NO", "each guest against its own record");
    }

    private static LinePlot OverTime(RunResult result, SavingHistory history)
    {
        double best = result.Loaded.BestSavedBytes;
        double end = history.Points[^1].Seconds;
        return new LinePlot(
            "Saving over time",
            $"What was saved while guests worked, beside what exact counting of the loaded pages says is there: "
                + $"{Quantity.Bytes(best)}.")
        {
            X = Scale.Seconds("seconds"),
            Y = Scale.Bytes("saved"),
        }
            .Curve("s3 dashed", "at best", [(0, best), (end, best)])
            .Curve("s1", "saved", history.Points.Select(point => (point.Seconds, (double)point.SavedBytes)));
    }

    private static BarPlot Uses(CounterSet totals)
    {
        GuestPages pages = GuestPages.Of(totals);
        var plot = new BarPlot(
            "Pages by use",
            "Zero pages need no memory, shared pages have a frame among them, private pages one of their own each.")
        {
            Names = ("use", "memory", "pages"),
        };
        Bar("zero", pages.Zero);
        Bar("shared", pages.Shared);
        Bar("private", pages.Private);
        return plot;

        void Bar(string name, long count) => plot.Bar(name, count, Quantity.Pages(count), Quantity.Count(count));
    }

    private static HtmlTable GuestTable(RunResult result)
    {
        var table = new HtmlTable(
            "Guests", "guest", "memory", "zero", "shared", "private", "resident", "saved", "breaks", "mappings");
        foreach (GuestSnapshot guest in result.Snapshot.Guests)
        {
            table.Row(Cells(guest.Name, guest.Counters));
        }

        return table.Total(Cells("all", result.Snapshot.Totals));
    }

    private static string[] Cells(string name, CounterSet counters)
    {
        GuestPages pages = GuestPages.Of(counters);
        return
        [
            name,
            Quantity.Bytes(counters.MappedBytes),
            Quantity.Count(pages.Zero),
            Quantity.Count(pages.Shared),
            Quantity.Count(pages.Private),
            Quantity.Bytes(counters.ResidentBytes),
            Quantity.Bytes(counters.SavedBytes),
            Quantity.Count(counters.CowFaults),
            Quantity.Count(counters.MappingsUsed),
        ];
    }
}

using PageShare.Cli.Html;
using PageShare.Cli.Scan.Layout;

namespace PageShare.Cli.Scan.Report;

/// <summary>A scan as a web page.</summary>
internal static class ScanPage
{
    /// <summary>Makes it.</summary>
    public static HtmlPage Of(ScanReport report)
    {
        TargetReport total = report.Total;
        HtmlPage page = new HtmlPage(
            "What sharing would save",
            $"{Quantity.Pages(total.Pages)} of memory in {Targets(report.Targets.Count)}"
                + (report.Complete ? "." : ", not read to the end."))
            .Problems(report.Problems.Select(problem => $"{problem.Target}: {problem.Message}"))
            .Tiles(Tiles(report));
        if (total.Pages == 0)
        {
            return page;
        }

        page.Heading("By target").Add(TargetTable(report));
        AddMaps(page, report);
        page.Heading("What equals what").Add(Sizes(
            "Reference counts",
            "How many pages have the same content. The longer the lower bars, the more guests have in common.",
            ("pages with one content", "pages", "contents"),
            total.ReferenceCounts));
        page.Add(CommonestTable(total));
        if (total.RunLengths is { Count: > 0 } runs)
        {
            page.Heading("What it takes").Add(Sizes(
                "Run lengths",
                "Neighbouring pages that one mapping can show. Long runs share much memory with few mappings.",
                ("pages in a run", "pages", "runs"),
                runs));
        }

        if (total.SavingByBudget is { } budgets)
        {
            var table = new HtmlTable("Saving by mappings", "mappings allowed", "used", "saved", "of all pages");
            foreach (BudgetReport budget in budgets.Values)
            {
                table.Row(
                    Quantity.Count(budget.Mappings),
                    Quantity.Count(budget.MappingsUsed),
                    Quantity.Pages(budget.SavedPages),
                    Quantity.Percent(budget.SavingRatio));
            }

            page.Add(table);
        }

        return page.Notes(report.Targets.SelectMany(target => target.Notes.Select(note => $"{target.Name}: {note}")));
    }

    private static IEnumerable<Tile> Tiles(ScanReport report)
    {
        TargetReport total = report.Total;
        yield return new Tile(
            "saved", Quantity.Pages(total.SavedPages), $"{Quantity.Percent(total.SavingRatio)} of all pages");
        yield return new Tile("zero pages", Quantity.Pages(total.ZeroPages));
        yield return new Tile("duplicates", Quantity.Pages(total.DuplicatePages), "not zero, equal to another");
        if (report.Targets.Count > 1)
        {
            yield return new Tile(
                "domain per target",
                Quantity.Pages(report.DomainPerGuest.SavedPages),
                $"{Quantity.Bytes(report.DomainPerGuest.LostBytes)} less");
        }

        if (report.Compression is CompressionReport compression)
        {
            yield return new Tile(
                "compression would add",
                Quantity.Bytes(compression.SavedBytes),
                $"{compression.Compressor}, what can't be shared");
        }

        if (total.MappingsNeeded is long mappings)
        {
            yield return new Tile("mappings", Quantity.Count(mappings), "to share all of it");
        }
    }

    private static HtmlTable TargetTable(ScanReport report)
    {
        var table = new HtmlTable(
            "Targets", "target", "pages", "zero", "distinct", "duplicate", "saved", "", "from others", "mappings");
        foreach (TargetReport target in report.Targets)
        {
            table.Row(ScanSummary.Cells(
                target, target.Complete ? target.Name : $"{target.Name} (not read to its end)"));
        }

        return table.Total(ScanSummary.Cells(report.Total, "all"));
    }

    private static void AddMaps(HtmlPage page, ScanReport report)
    {
        var maps = new HeatMap(
            "Address spaces",
            "Each cell stands for some neighbouring pages, in the order of addresses, and shows what most of them are: "
                + "zero, shared with other pages, or private. Memory that is not present is left out.",
            hasVolatile: false);
        foreach (TargetReport target in report.Targets)
        {
            if (target.Map is { Pages: > 0 } map)
            {
                maps.Guest(target.Name, map);
            }
        }

        if (!maps.IsEmpty)
        {
            page.Add(maps);
        }
    }

    private static BarPlot Sizes(
        string title, string description, (string, string, string) names, IReadOnlyList<SizeClass> classes)
    {
        var plot = new BarPlot(title, description) { Names = names };
        foreach (SizeClass @class in classes)
        {
            plot.Bar(
                @class.RangeText, @class.Pages, Quantity.Pages(@class.Pages), Quantity.Count(@class.Count));
        }

        return plot;
    }

    private static HtmlTable CommonestTable(TargetReport total)
    {
        var table = new HtmlTable("Commonest contents", "begins with", "pages", "what it is") { Words = [2] };
        foreach (ContentReport content in total.CommonestContents)
        {
            table.Row($"{content.Head[..16]}…", Quantity.Count(content.Pages), content.What);
        }

        return table;
    }

    private static string Targets(int count) => count == 1 ? "1 target" : $"{count} targets";
}

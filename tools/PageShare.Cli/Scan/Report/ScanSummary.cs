using System.Globalization;
using PageShare.Cli.Scan.Layout;
using Spectre.Console;

namespace PageShare.Cli.Scan.Report;

/// <summary>The report as people read it.</summary>
internal static class ScanSummary
{
    private const int MostTargetRows = 40;
    private const int HeadDigits = 16;
    private const int LongestName = 26;

    /// <summary>Writes it.</summary>
    public static void Write(TextWriter output, ScanReport report, bool toTerminal)
    {
        IAnsiConsole console = ReportConsole.Create(output, toTerminal);
        console.WriteLine();
        console.Write(TargetTable(report));
        if (report.Targets.Any(target => !target.Complete))
        {
            ReportConsole.Lines(console, "*", "not read to its end");
        }

        WriteFigures(console, report);
        if (report.Total.Pages > 0)
        {
            WriteTables(console, report);
        }

        foreach (TargetReport target in report.Targets)
        {
            foreach (string note in target.Notes)
            {
                ReportConsole.Lines(console, "note", $"{target.Name}: {note}");
            }
        }
    }

    private static Table TargetTable(ScanReport report)
    {
        var table = new Table().Border(TableBorder.Rounded).BorderColor(Color.Grey);
        table.AddColumn("target");
        string[] headings = ["pages", "zero", "distinct", "duplicate", "saved", "", "from others", "mappings"];
        foreach (string heading in headings)
        {
            table.AddColumn(new TableColumn(heading).RightAligned());
        }

        foreach (TargetReport target in report.Targets.Take(MostTargetRows))
        {
            table.AddRow(Row(target, $"{Shortened(target.Name)}{(target.Complete ? "" : " *")}", "{0}"));
        }

        if (report.Targets.Count > MostTargetRows)
        {
            table.AddRow(new Markup($"… and {report.Targets.Count - MostTargetRows} more, all in --json"));
        }

        table.AddRow(Row(report.Total, report.Complete ? "all" : "all, incomplete", "[bold]{0}[/]"));
        return table;
    }

    /// <summary>A target's line in a table.</summary>
    public static string[] Cells(TargetReport target, string name) =>
    [
        name,
        Quantity.Count(target.Pages),
        Quantity.Count(target.ZeroPages),
        Quantity.Count(target.DistinctPages),
        Quantity.Count(target.DuplicatePages),
        Quantity.Pages(target.SavedPages),
        Quantity.Percent(target.SavingRatio),
        Quantity.Pages(target.CrossTargetSavedPages),
        target.MappingsNeeded is long mappings ? Quantity.Count(mappings) : "–",
    ];

    private static Markup[] Row(TargetReport target, string name, string style) =>
    [
        .. Cells(target, Markup.Escape(name))
            .Select(cell => new Markup(string.Format(CultureInfo.InvariantCulture, style, cell))),
    ];

    /// <summary>The end of a long name, which is what tells paths apart.</summary>
    private static string Shortened(string name) =>
        name.Length <= LongestName ? name : $"…{name[^(LongestName - 1)..]}";

    private static void WriteFigures(IAnsiConsole console, ScanReport report)
    {
        TargetReport total = report.Total;
        if (report.SampleRate is double rate && total.Intervals is IntervalReport intervals)
        {
            Line("sample", $"{Quantity.Percent(rate)} of contents, by hash; in 95 of 100 samples the saving lies in "
                + $"{Quantity.Pages(intervals.SavedPages[0])} to {Quantity.Pages(intervals.SavedPages[1])}");
        }

        if (report.Targets.Count > 1)
        {
            Line("domains", $"one for each target would save {Quantity.Pages(report.DomainPerGuest.SavedPages)}: "
                + $"{Quantity.Bytes(report.DomainPerGuest.LostBytes)} less");
        }

        if (report.Compression is CompressionReport compression)
        {
            Line("compression", $"{compression.Compressor} would free {Quantity.Bytes(compression.SavedBytes)} of the "
                + $"{Quantity.Pages(compression.UniquePages)} that can't be shared (95 %: "
                + $"{Quantity.Bytes(compression.SavedBytesInterval[0])} to "
                + $"{Quantity.Bytes(compression.SavedBytesInterval[1])}); "
                + $"{Quantity.Percent(compression.ShareToHalf)} of these pages go to half or less");
        }

        if (total.AlreadySharedPages > 0)
        {
            Line("already", $"{Quantity.Pages(total.AlreadySharedPages)} are shared already, and counted once");
        }

        double perSecond = report.Seconds > 0 ? total.Pages * (double)Quantity.PageBytes / report.Seconds : 0;
        Line("scanned", $"{Quantity.Pages(total.Pages)} in {Quantity.Seconds(report.Seconds)}, "
            + $"{Quantity.Bytes(perSecond)}/s by {report.Threads} threads; tables {Quantity.Bytes(report.TableBytes)}; "
            + $"equality is that of {report.Equality}");

        void Line(string name, string text) => ReportConsole.Lines(console, name, text);
    }

    private static void WriteTables(IAnsiConsole console, ScanReport report)
    {
        TargetReport total = report.Total;
        console.WriteLine();
        var side = new List<Table> { SizeTable("references", "contents", total.ReferenceCounts) };
        if (total.RunLengths is { Count: > 0 } runs)
        {
            side.Add(SizeTable("run length", "runs", runs));
        }

        if (total.SavingByBudget is { } budgets)
        {
            Table table = ReportConsole.NumberTable("mappings", "used", "saved", "");
            foreach (BudgetReport budget in budgets.Values)
            {
                table.AddRow(
                    Quantity.Count(budget.Mappings),
                    Quantity.Count(budget.MappingsUsed),
                    Quantity.Pages(budget.SavedPages),
                    Quantity.Percent(budget.SavingRatio));
            }

            side.Add(table);
        }

        var grid = new Grid();
        side.ForEach(_ => grid.AddColumn());
        grid.AddRow([.. side]);
        console.Write(grid);

        if (total.CommonestContents.Count > 0)
        {
            Table common = new Table().Border(TableBorder.Simple).BorderColor(Color.Grey);
            common.AddColumn(new TableColumn("pages").RightAligned());
            common.AddColumn("begins with");
            common.AddColumn("commonest contents");
            foreach (ContentReport content in total.CommonestContents)
            {
                string head = $"{content.Head[..HeadDigits]}…";
                common.AddRow(Quantity.Count(content.Pages), head, Markup.Escape(content.What));
            }

            console.Write(common);
        }
    }

    private static Table SizeTable(string size, string things, IReadOnlyList<SizeClass> classes)
    {
        Table table = ReportConsole.NumberTable(size, things, "pages");
        foreach (SizeClass @class in classes)
        {
            table.AddRow(@class.RangeText, Quantity.Count(@class.Count), Quantity.Count(@class.Pages));
        }

        return table;
    }
}

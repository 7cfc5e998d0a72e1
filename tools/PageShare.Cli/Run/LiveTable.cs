using PageShare.Metrics;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace PageShare.Cli.Run;

/// <summary>The live table at a terminal: a row for each guest, and below what the scanner does and saves.</summary>
internal sealed class LiveTable : RunView
{
    private readonly IAnsiConsole _console;
    private volatile string _note = "";

    private LiveTable(IAnsiConsole console)
    {
        _console = console;
    }

    /// <summary>A table on standard error; null if that is no terminal, or one that can't go back over its
    /// lines.</summary>
    public static LiveTable? TryCreate()
    {
        if (Console.IsErrorRedirected)
        {
            return null;
        }

        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(Console.Error),
        });
        return console.Profile.Capabilities.Ansi ? new LiveTable(console) : null;
    }

    /// <inheritdoc/>
    public override void Note(string line)
    {
        if (IsWatching)
        {
            _note = line;
        }
        else
        {
            _console.MarkupLineInterpolated($"[grey]{line}[/]");
        }
    }

    /// <summary>The table of one moment.</summary>
    internal static IRenderable Render(LiveFigures figures, string note)
    {
        CounterSet totals = figures.Snapshot.Totals;
        var table = new Table().Border(TableBorder.Rounded).BorderColor(Color.Grey);
        table.AddColumn("guest");
        foreach (string heading in (string[])["size", "zero", "shared", "private", "breaks/s"])
        {
            table.AddColumn(new TableColumn(heading).RightAligned());
        }

        foreach (GuestSnapshot guest in figures.Snapshot.Guests)
        {
            AddRow(table, guest.Name, guest.Counters, "{0}");
        }

        AddRow(table, "all", totals, "[bold]{0}[/]");
        string kernel = figures.Kernel is KernelFigure figure
            ? $"{Quantity.Bytes(figure.ResidentBytes)} of memory objects"
            : "not known here";
        var below = new Grid().AddColumn(new GridColumn().NoWrap()).AddColumn(new GridColumn());
        below.AddRow("scanned",
            $"{Quantity.Count(totals.ScanPagesPerSecond)} pages/s, {totals.FullScans} full passes, "
            + $"{Quantity.Seconds(totals.ScanCpuSeconds)} of scanner CPU");
        below.AddRow("saved",
            $"[green]{Quantity.Bytes(totals.SavedBytes)}[/] ({Quantity.Percent(totals.SharingRatio)}), "
            + $"net [green]{Quantity.Bytes(totals.NetSavedBytes)}[/]");
        below.AddRow("resident", $"{Quantity.Bytes(totals.ResidentBytes)} by our count; by the kernel's {kernel}");
        below.AddRow("mappings", $"{Quantity.Count(totals.MappingsUsed)} of {Quantity.Count(totals.MappingsLimit)}");
        foreach (string warning in figures.Snapshot.Warnings)
        {
            below.AddRow("[yellow]warning[/]", $"[yellow]{Markup.Escape(warning)}[/]");
        }

        below.AddRow("[grey]time[/]", $"[grey]{figures.Elapsed.TotalSeconds:0} s  {Markup.Escape(note)}[/]");
        return new Rows(table, below);
    }

    /// <inheritdoc/>
    protected override void Follow(LiveFigures first, Func<LiveFigures?> next)
    {
        _note = "";
        _console.Live(Render(first, _note)).AutoClear(true).Start(context =>
        {
            while (next() is LiveFigures figures)
            {
                context.UpdateTarget(Render(figures, _note));
            }
        });
    }

    private static void AddRow(Table table, string name, CounterSet counters, string style)
    {
        GuestPages pages = GuestPages.Of(counters);
        string[] cells =
        [
            Markup.Escape(name),
            Quantity.Pages(counters.PagesTotal),
            Quantity.Pages(pages.Zero),
            Quantity.Pages(pages.Shared),
            Quantity.Pages(pages.Private),
            Quantity.Count(counters.CowFaultsPerSecond),
        ];
        table.AddRow([.. cells.Select(cell => new Markup(string.Format(null, style, cell)))]);
    }
}

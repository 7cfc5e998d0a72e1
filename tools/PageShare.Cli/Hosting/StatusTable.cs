using System.Globalization;
using PageShare.Metrics;
using PageShare.Protocol.Messages;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace PageShare.Cli.Hosting;

/// <summary>A host's state as people read it: a row for each guest, one for each share domain, and what it costs.</summary>
internal sealed class StatusTable
{
    private const int WidthInFiles = 132;
    private const int MostRows = 200;

    private static readonly string[] Numbers =
        ["pid", "uid", "state", "size", "zero", "shared", "private", "breaks/s", "scans/s", "mappings"];

    private readonly IAnsiConsole _console;

    /// <summary>Prepares to write.</summary>
    public StatusTable(TextWriter output, bool toTerminal)
    {
        _console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = toTerminal ? AnsiSupport.Detect : AnsiSupport.No,
            Out = new AnsiConsoleOutput(output),
        });
        if (!toTerminal)
        {
            _console.Profile.Width = WidthInFiles;
        }
    }

    /// <summary>Whether the output is a terminal that can go back over its lines.</summary>
    public bool CanRedraw => _console.Profile.Capabilities.Ansi;

    /// <summary>Writes it once.</summary>
    public void Write(HostMoment moment) => _console.Write(Render(moment));

    /// <summary>Shows it in one place, again and again.</summary>
    /// <param name="first">The first.</param>
    /// <param name="next">Waits and gives the next; null at the end.</param>
    public void Follow(HostMoment first, Func<HostMoment?> next) => _console.Live(Render(first)).Start(context =>
    {
        while (next() is HostMoment moment)
        {
            context.UpdateTarget(Render(moment));
        }
    });

    /// <summary>The table of one moment.</summary>
    internal static IRenderable Render(HostMoment moment)
    {
        var table = new Table().Border(TableBorder.Rounded).BorderColor(Color.Grey);
        table.AddColumn("guest");
        foreach (string heading in Numbers)
        {
            table.AddColumn(new TableColumn(heading).RightAligned());
        }

        EngineSnapshot engine = moment.Now.Engine;
        foreach (DomainSnapshot domain in engine.Domains.OrderBy(domain => domain.Name, StringComparer.Ordinal))
        {
            foreach (GuestSnapshot guest in engine.Guests.Where(guest => guest.Domain == domain.Name).Take(MostRows))
            {
                AddGuest(table, guest, moment);
            }

            AddRow(table, $"domain {domain.Name}", domain.Counters, ["", "", "", ""], "[bold]{0}[/]");
        }

        return new Rows(table, Below(moment));
    }

    private static void AddGuest(Table table, GuestSnapshot guest, HostMoment moment)
    {
        GuestProcess? process = moment.ProcessOf(guest.Name);
        string state = process?.State ?? "";
        string[] about =
        [
            process?.ProcessId.ToString(CultureInfo.InvariantCulture) ?? "",
            process?.UserId.ToString(CultureInfo.InvariantCulture) ?? "",
            guest.Sharing ? state : $"{state}, paused",
            moment.ScanRateOf(guest.Name) is double rate ? Quantity.Count(rate) : "",
        ];
        AddRow(table, guest.Name, guest.Counters, about, guest.Sharing ? "{0}" : "[grey]{0}[/]");
    }

    private static void AddRow(Table table, string name, CounterSet counters, string[] about, string style)
    {
        Run.GuestPages pages = Run.GuestPages.Of(counters);
        string[] cells =
        [
            Markup.Escape(name),
            about[0],
            about[1],
            Markup.Escape(about[2]),
            Quantity.Pages(counters.PagesTotal),
            Quantity.Pages(pages.Zero),
            Quantity.Pages(pages.Shared),
            Quantity.Pages(pages.Private),
            Quantity.Count(counters.CowFaultsPerSecond),
            about[3],
            Quantity.Count(counters.MappingsUsed),
        ];
        table.AddRow([.. cells.Select(cell => new Markup(string.Format(CultureInfo.InvariantCulture, style, cell)))]);
    }

    private static Grid Below(HostMoment moment)
    {
        StatusAnswer status = moment.Now;
        CounterSet totals = status.Engine.Totals;
        var below = new Grid().AddColumn(new GridColumn().NoWrap()).AddColumn(new GridColumn());
        below.AddRow("saved", $"[green]{Quantity.Bytes(totals.SavedBytes)}[/] ({Quantity.Percent(totals.SharingRatio)}), net "
            + $"[green]{Quantity.Bytes(totals.NetSavedBytes)}[/]; resident {Quantity.Bytes(totals.ResidentBytes)}");
        string share = moment.ScannerShare is double part ? $", {Quantity.Percent(part)} of a core now" : "";
        below.AddRow("scanner", $"{Quantity.Count(totals.ScanPagesPerSecond)} pages/s, {totals.FullScans} full passes, "
            + $"{Quantity.Seconds(totals.ScanCpuSeconds)} of CPU{share}");
        below.AddRow("breaks", $"{Quantity.Count(totals.CowFaultsPerSecond)}/s, {Quantity.Count(totals.CowFaults)} in all"
            + (totals.BreaksStalled > 0 ? $", {Quantity.Count(totals.BreaksStalled)} stalled" : ""));
        below.AddRow("mappings", $"{Quantity.Count(totals.MappingsUsed)} of {Quantity.Count(totals.MappingsLimit)}");
        foreach (string warning in status.Engine.Warnings)
        {
            below.AddRow("[yellow]warning[/]", $"[yellow]{Markup.Escape(warning)}[/]");
        }

        string since = status.StartedAt.ToString("u", CultureInfo.InvariantCulture);
        below.AddRow("[grey]host[/]", $"[grey]process {status.ProcessId}, version {Markup.Escape(status.Version)}, since {since}[/]");
        return below;
    }
}

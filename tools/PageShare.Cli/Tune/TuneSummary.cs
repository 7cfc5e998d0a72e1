using System.Globalization;
using PageShare.Cli.Scan.Report;
using PageShare.Cli.Tune.Simulation;
using Spectre.Console;

namespace PageShare.Cli.Tune;

/// <summary>The report as people read it.</summary>
internal static class TuneSummary
{
    private const int MostFrontRows = 12;

    /// <summary>Writes it.</summary>
    public static void Write(TextWriter output, TuneReport report, bool toTerminal)
    {
        IAnsiConsole console = ReportConsole.Create(output, toTerminal);
        console.WriteLine();
        TraceReport trace = report.Trace;
        Line("trace", $"{trace.Name}: {Quantity.Guests(trace.Guests.Count)}, {Quantity.Pages(trace.Pages)}, "
            + $"{trace.Moments} moments in {Quantity.Seconds(trace.Seconds)}, "
            + $"{Quantity.Count(trace.ChangedPages)} pages changed");
        Line("costs", $"signal: {CostText(report.Costs.Signal)}");
        Line("", $"kernel: {CostText(report.Costs.Kernel)}");
        Line("tried", $"{report.SettingsTried} settings in {Quantity.Seconds(report.Seconds)}; "
            + $"limit {CpuText(report.CpuLimitPercent)} of a core");
        console.WriteLine();

        Table table = ReportConsole.NumberTable(
            "", "net saving", "saved", "of best", "CPU", "scanner", "guests", "breaks/s", "95 % after", "tables");
        table.Columns[0].LeftAligned();
        AddRow(table, "defaults", report.Defaults);
        AddRow(table, "recommended", report.Recommended);
        if (report.Judgement is JudgementReport judgement)
        {
            AddRow(table, "judged: defaults", judgement.Defaults);
            AddRow(table, "judged: recommended", judgement.Recommended);
        }

        console.Write(table);
        if (report.Judgement is { } verdict)
        {
            Line("judged", $"on {verdict.Trace.Name}: recommended {JudgementText(verdict)}");
        }

        console.WriteLine();
        console.WriteLine("  Pareto front: nothing tried saves more at less CPU");
        Table front = ReportConsole.NumberTable("CPU", "net saving", "settings");
        front.Columns[2].LeftAligned();
        foreach (OutcomeReport outcome in Thinned(report.ParetoFront))
        {
            front.AddRow(
                CpuText(outcome.CpuPercent), Quantity.Bytes(outcome.NetSavedBytes), Markup.Escape(outcome.Settings));
        }

        console.Write(front);
        console.WriteLine("  Recommended, for the host's configuration file:");
        foreach (string line in SettingsText.Format(report.Configuration).Split('\n'))
        {
            console.WriteLine($"    {line}");
        }

        console.WriteLine();
        foreach (SettingReport setting in report.Settings)
        {
            string from = setting.Value == setting.Default ? "" : $" (default {setting.Default})";
            ReportConsole.Lines(console, "", $"{setting.Name} {setting.Value}{from}: {setting.Meaning}");
        }

        foreach (string note in report.Notes)
        {
            Line("note", note);
        }

        void Line(string name, string text) => ReportConsole.Lines(console, name, text);
    }

    /// <summary>A share of one core.</summary>
    public static string CpuText(double percent) =>
        string.Create(CultureInfo.InvariantCulture, $"{percent:0.00} %");

    /// <summary>Costs in a few words.</summary>
    public static string CostText(Costs costs) =>
        $"hash {Text(costs, ScanTask.Rehash)} (first {Text(costs, ScanTask.FirstHash)}), merge "
        + $"{Text(costs, ScanTask.Merge)} + {Text(costs, ScanTask.MergeRun)} a run, break "
        + $"{Quantity.Microseconds(costs.Break)}, tracked store {Quantity.Microseconds(costs.TrackedStore)}";

    /// <summary>A judgement in words.</summary>
    public static string JudgementText(JudgementReport judgement) =>
        (judgement.SavesMore ? "saves more than the defaults" : "saves no more than the defaults")
        + (judgement.AtNoMoreCpu ? ", at no more CPU" : ", at more CPU");

    /// <summary>When it has converged.</summary>
    public static string ConvergeText(OutcomeReport outcome) =>
        outcome.ConvergeSeconds is double seconds ? Quantity.Seconds(seconds) : "never";

    private static string Text(Costs costs, ScanTask task) => Quantity.Microseconds(costs.Of(task));

    private static void AddRow(Table table, string name, OutcomeReport outcome) => table.AddRow(
        name,
        Quantity.Bytes(outcome.NetSavedBytes),
        Quantity.Bytes(outcome.SavedBytes),
        Quantity.Percent(outcome.BestBytes == 0 ? 0 : (double)outcome.SavedBytes / outcome.BestBytes),
        CpuText(outcome.CpuPercent),
        CpuText(outcome.ScannerCpuPercent),
        CpuText(outcome.GuestCpuPercent),
        outcome.BreaksPerSecond.ToString("N1", CultureInfo.InvariantCulture),
        ConvergeText(outcome),
        Quantity.Bytes(outcome.MetadataBytes));

    private static IEnumerable<OutcomeReport> Thinned(IReadOnlyList<OutcomeReport> front)
    {
        int step = Math.Max(1, (front.Count + MostFrontRows - 1) / MostFrontRows);
        return front.Where((_, i) => i % step == 0 || i == front.Count - 1);
    }
}

using PageShare.Cli.Html;
using PageShare.Cli.Traces;
using PageShare.Cli.Tune.Simulation;

namespace PageShare.Cli.Tune;

/// <summary>What tuning found as a web page.</summary>
internal static class TunePage
{
    /// <summary>Makes it.</summary>
    public static HtmlPage Of(TuneResult result)
    {
        TuneReport report = result.Report;
        TraceReport trace = report.Trace;
        HtmlPage page = new HtmlPage(
            "Settings for these guests",
            $"{Quantity.Guests(trace.Guests.Count)} with {Quantity.Pages(trace.Pages)} in {trace.Name}: {trace.Moments} "
                + $"moments in {Quantity.Seconds(trace.Seconds)}, {Quantity.Count(trace.ChangedPages)} pages changed. "
                + $"{report.SettingsTried} settings were simulated at the costs of this machine.")
            .Notes(report.Notes)
            .Tiles(Tiles(report));
        page.Add(OverTime("Saving over time", report.Defaults, report.Recommended))
            .Add(Outcomes(report))
            .Heading("What more CPU buys")
            .Add(Front(report))
            .Heading("The recommended settings")
            .Add(Settings(report))
            .Paragraph("For the host's configuration file:")
            .Code(SettingsText.Format(report.Configuration));
        if (report.Judgement is JudgementReport judgement)
        {
            page.Heading("Judged on other guests")
                .Paragraph($"On {judgement.Trace.Name}, which the settings were not chosen for, what is recommended "
                    + $"{TuneSummary.JudgementText(judgement)}.")
                .Add(OverTime("Saving over time, other guests", judgement.Defaults, judgement.Recommended));
        }

        page.Heading("The guests").Add(Maps(result.Trace));
        return page.Heading("What things cost here").Add(CostTable(report));
    }

    private static IEnumerable<Tile> Tiles(TuneReport report)
    {
        OutcomeReport best = report.Recommended;
        OutcomeReport usual = report.Defaults;
        yield return new Tile(
            "net saving", Quantity.Bytes(best.NetSavedBytes), $"defaults: {Quantity.Bytes(usual.NetSavedBytes)}");
        yield return new Tile(
            "CPU, percent of a core",
            TuneSummary.CpuText(best.CpuPercent),
            $"defaults: {TuneSummary.CpuText(usual.CpuPercent)}, limit {TuneSummary.CpuText(report.CpuLimitPercent)}");
        yield return new Tile(
            "breaks a second",
            HtmlText.Number(best.BreaksPerSecond),
            $"cost the guests {TuneSummary.CpuText(best.GuestCpuPercent)} of a core");
        yield return new Tile(
            "95 % saved after", TuneSummary.ConvergeText(best), $"defaults: {TuneSummary.ConvergeText(usual)}");
        yield return new Tile(
            "tables", Quantity.Bytes(best.MetadataBytes), $"{Quantity.Count(best.Mappings)} mappings");
    }

    private static LinePlot OverTime(string title, OutcomeReport defaults, OutcomeReport recommended) => new LinePlot(
        title,
        $"What the recommended settings save, beside the defaults and what the best sharing would save. On average they "
            + $"save {Quantity.Bytes(recommended.SavedBytes)}, the defaults {Quantity.Bytes(defaults.SavedBytes)}, at best "
            + $"{Quantity.Bytes(recommended.BestBytes)}.")
    {
        X = Scale.Seconds("seconds"),
        Y = Scale.Bytes("saved"),
    }
        .Curve("s3 dashed", "at best", recommended.OverTime!.Select(s => (s.AtSeconds, (double)s.BestBytes)))
        .Curve("s2", "defaults", defaults.OverTime!.Select(s => (s.AtSeconds, (double)s.SavedBytes)))
        .Curve("s1", "recommended", recommended.OverTime!.Select(s => (s.AtSeconds, (double)s.SavedBytes)));

    private static LinePlot Front(TuneReport report) => new LinePlot(
        "Net saving and CPU",
        "Each dot is what some settings give. The line joins those of which none saves more at less CPU: the Pareto "
            + "front. Left and up is better.")
    {
        X = new Scale("CPU of scanner and guests, percent of a core", percent => $"{HtmlText.Number(percent)} %"),
        Y = Scale.Bytes("net saving"),
    }
        .Cloud("dot-quiet", "all settings tried", report.All.Where(o => IsNear(o, report)).Select(Point))
        .Curve("s4", "Pareto front", report.ParetoFront.Where(o => IsNear(o, report)).Select(Point))
        .Mark("f2", "defaults", Point(report.Defaults).X, Point(report.Defaults).Y)
        .Mark("f1", "recommended", Point(report.Recommended).X, Point(report.Recommended).Y);

    /// <summary>Settings that take many times as much would squeeze all others into a corner.</summary>
    private static bool IsNear(OutcomeReport outcome, TuneReport report)
    {
        const double Times = 4;
        double most = Math.Max(report.Defaults.CpuPercent, report.Recommended.CpuPercent) * Times;
        return outcome.CpuPercent <= most && outcome.NetSavedBytes >= -report.Recommended.BestBytes / Times;
    }

    private static (double X, double Y) Point(OutcomeReport outcome) => (outcome.CpuPercent, outcome.NetSavedBytes);

    private static HtmlTable Outcomes(TuneReport report)
    {
        var table = new HtmlTable(
            "Outcomes", "", "net saving", "saved", "at best", "CPU", "scanner", "guests", "breaks/s", "95 % after", "tables");
        AddOutcome(table, "defaults", report.Defaults);
        AddOutcome(table, "recommended", report.Recommended);
        if (report.Judgement is JudgementReport judgement)
        {
            AddOutcome(table, "defaults, other guests", judgement.Defaults);
            AddOutcome(table, "recommended, other guests", judgement.Recommended);
        }

        return table;
    }

    private static void AddOutcome(HtmlTable table, string name, OutcomeReport outcome) => table.Row(
        name,
        Quantity.Bytes(outcome.NetSavedBytes),
        Quantity.Bytes(outcome.SavedBytes),
        Quantity.Bytes(outcome.BestBytes),
        TuneSummary.CpuText(outcome.CpuPercent),
        TuneSummary.CpuText(outcome.ScannerCpuPercent),
        TuneSummary.CpuText(outcome.GuestCpuPercent),
        HtmlText.Number(outcome.BreaksPerSecond),
        TuneSummary.ConvergeText(outcome),
        Quantity.Bytes(outcome.MetadataBytes));

    private static HtmlTable Settings(TuneReport report)
    {
        var table = new HtmlTable("Settings", "setting", "value", "default", "what it means") { Words = [3] };
        foreach (SettingReport setting in report.Settings)
        {
            table.Row(setting.Name, setting.Value, setting.Default, setting.Meaning);
        }

        return table;
    }

    private static HtmlTable CostTable(TuneReport report)
    {
        var table = new HtmlTable("Costs", "microseconds", "signal", "kernel");
        (Costs signalCosts, Costs kernelCosts) = (report.Costs.Signal, report.Costs.Kernel);
        (string, double, double)[] rows =
        [
            Row("hash a page for the first time", ScanTask.FirstHash),
            Row("hash it again", ScanTask.Rehash),
            Row("look at it without hashing", ScanTask.Look),
            Row("merge it", ScanTask.Merge),
            Row("each run of pages merged", ScanTask.MergeRun),
            Row("each mapping in a pass", ScanTask.Walk),
            ("break it", signalCosts.Break, kernelCosts.Break),
            ("break it with one before it", signalCosts.BreakAhead, kernelCosts.BreakAhead),
            ("each wake-up of the scanner", report.Costs.Wake, report.Costs.Wake),
        ];
        foreach ((string name, double signal, double kernel) in rows)
        {
            table.Row(name, HtmlText.Number(signal / 1000), HtmlText.Number(kernel / 1000));
        }

        return table;

        (string, double, double) Row(string name, ScanTask task) => (name, signalCosts.Of(task), kernelCosts.Of(task));
    }

    private static HeatMap Maps(MemoryTrace trace)
    {
        var maps = new HeatMap(
            "Address spaces",
            "Each cell stands for some neighbouring pages, in the order of addresses, and shows what most of them are at the "
                + "last moment: zero, shared with other pages, private, or volatile, which is changed since the first moment.",
            hasVolatile: true);
        TraceCensus census = TraceCensus.Of(trace);
        for (int guest = 0; guest < trace.Guests.Count; guest++)
        {
            maps.Guest(trace.Guests[guest], census.MapOf(guest));
        }

        return maps;
    }
}

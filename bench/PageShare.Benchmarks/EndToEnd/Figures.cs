using PageShare.Memory;

namespace PageShare.Benchmarks.EndToEnd;

/// <summary>The whole engine on a large guest set: what <c>figures</c> does.</summary>
internal static class Figures
{
    private const int Success = 0;
    private const int Failure = 1;
    private const int BadUsage = 2;

    /// <summary>Runs it.</summary>
    /// <returns>The exit code.</returns>
    public static int Run(ReadOnlySpan<string> arguments)
    {
        FigureOptions options;
        try
        {
            options = FigureOptions.Parse(arguments);
        }
        catch (FormatException wrong)
        {
            Console.Error.WriteLine($"figures: {wrong.Message} Try --help.");
            return BadUsage;
        }

        if (options.Help)
        {
            Console.WriteLine(FigureOptions.Usage);
            return Success;
        }

        var available = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        if (options.TotalBytes > available * 3 / 4)
        {
            Console.Error.WriteLine(
                $"figures: {options.TotalBytes >> 20} MiB of guests are too much for {available >> 20} MiB of memory. "
                + "Use a smaller --size.");
            return BadUsage;
        }

        WarmUp(options);
        ModeFigures[] figures = [.. options.Modes.Select(mode => Measure(options, mode))];
        FigureReport.Write(options, figures);
        return figures.All(static mode => mode.SavedPages >= mode.BestSavedPages * 0.97) ? Success : Failure;
    }

    /// <summary>Has the code compiled: figures are to tell what the engine costs, not what its compiler does.</summary>
    private static void WarmUp(FigureOptions options)
    {
        Console.Error.WriteLine("warming up");
        var small = options with { SizeMebibytes = 8, RunPages = 8, Breaks = 256 };
        for (var i = 0; i < 8; i++)
        {
            foreach (var mode in options.Modes)
            {
                Measure(small, mode, _ => { });
            }
        }
    }

    private static ModeFigures Measure(FigureOptions options, FaultMode mode) => Measure(
        options, mode, step => Console.Error.WriteLine($"{mode}: {step}"));

    private static ModeFigures Measure(FigureOptions options, FaultMode mode, Action<string> progress)
    {
        using var engine = PageShareEngine.Start(new EngineOptions { BackgroundScanning = false });
        progress($"filling {options.Guests} guests of {options.SizeMebibytes} MiB");
        var set = GuestSet.Create(
            (name, bytes) => engine.CreateGuest(name, bytes, new GuestOptions { FaultMode = mode }), options.Mix);
        var hash = HashSpeed.NanosecondsPerPage(set.Guests[0]);
        progress("converging");
        var passes = Converge(engine);
        var work = passes[..(passes.FindLastIndex(static pass => pass.PagesMerged > 0) + 1)];
        var totals = engine.Snapshot().Totals;
        progress("breaking");
        var breaks = new BreakProbe(set, options);
        var (touch, sequential, random) = (breaks.FirstTouch(), breaks.Sequential(), breaks.Random());
        progress("writing while merging");
        return new ModeFigures
        {
            FaultMode = mode.ToString(),
            ConvergeSeconds = work.Sum(static pass => pass.Elapsed.TotalSeconds),
            ConvergeCpuSeconds = work.Sum(static pass => pass.CpuTime.TotalSeconds),
            ConvergePasses = work.Count,
            Merges = work.Sum(static pass => pass.PagesMerged),
            FirstPassNanosecondsPerPage = PerPage(passes[0]),
            HashNanosecondsPerPage = hash,
            QuietPassNanosecondsPerPage = PerPage(passes[^1]),
            SavedPages = totals.SavedBytes / PageSize.Bytes,
            BestSavedPages = set.BestSavedPages,
            MetadataBytesPerPage = (double)totals.MetadataBytes / totals.PagesPopulated,
            KernelTableBytesPerPage = (double)totals.KernelTableBytes / totals.PagesPopulated,
            MappingsUsed = totals.MappingsUsed,
            FirstTouch = touch,
            BreakSequential = sequential,
            BreakRandom = random,
            SealWaits = new SealProbe(engine, set, options).Measure(),
        };
    }

    /// <summary>Scans until two passes in a row merge nothing more; the first pass only learns hashes.</summary>
    private static List<PassReport> Converge(PageShareEngine engine)
    {
        var passes = new List<PassReport>();
        for (var quiet = 0; quiet < 2;)
        {
            passes.Add(engine.ScanOnce());
            quiet = passes.Count > 1 && passes[^1].PagesMerged == 0 ? quiet + 1 : 0;
        }

        return passes;
    }

    private static double PerPage(PassReport pass) => pass.CpuTime.TotalNanoseconds / pass.PagesScanned;
}

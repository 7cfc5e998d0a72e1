using System.Globalization;
using PageShare.TestKit;
using PageShare.TestKit.Rings;

namespace PageShare.CrashProbe.Scenarios;

/// <summary>
/// How fast merges are ordered: of guests in this process, or in processes of their own. For a figure, and for whoever
/// changes the ring: <c>merge-throughput --engine signal --where rings --pages 65536 --run 64</c>.
/// </summary>
internal static class MergeThroughput
{
    private const int Rounds = 5;

    /// <summary>Prints the median of some rounds.</summary>
    public static int Run(ProbeArguments arguments)
    {
        var pages = arguments.Number("pages", 65_536);
        var run = arguments.Number("run", 64);
        var inRings = arguments.Text("where", "here") == "rings";
        var rates = Enumerable.Range(0, Rounds)
            .Select(_ => inRings ? Rings(arguments.RequiredEngine, pages, run) : Here(arguments.RequiredEngine, pages, run))
            .Order()
            .ToArray();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{(inRings ? "processes of their own" : "this process")}: {rates[Rounds / 2]:n0} pages/s in runs of {run}, "
            + $"{rates[0]:n0} to {rates[^1]:n0}"));
        return ProbeExit.Done;
    }

    /// <summary>What a guest's page holds: runs of pages that both guests have, in another order in the
    /// second.</summary>
    public static PageContent ContentOf(long page, long pages, int run, bool isReversed)
    {
        var (number, place) = (page / run, page % run);
        return PageContent.Unique(1 + ((isReversed ? (pages / run) - 1 - number : number) * run) + place);
    }

    private static double Here(FaultMode mode, int pages, int run)
    {
        using var engine = TestEngine.Start(TestEngine.Defaults with { FaultMode = mode, MappingBudget = 60_000 });
        using var one = engine.Engine.CreateGuest("one", (long)pages * PageContent.Bytes);
        using var two = engine.Engine.CreateGuest("two", (long)pages * PageContent.Bytes);
        for (var page = 0; page < pages; page++)
        {
            var offset = (long)page * PageContent.Bytes;
            ContentOf(page, pages, run, isReversed: false).WriteTo(one.AsSpan(offset, PageContent.Bytes));
            ContentOf(page, pages, run, isReversed: true).WriteTo(two.AsSpan(offset, PageContent.Bytes));
        }

        return Merge(engine.Engine, 2 * pages);
    }

    private static double Rings(FaultMode mode, int pages, int run)
    {
        using var engine = TestEngine.Start(TestEngine.Defaults with { FaultMode = mode, MappingBudget = 60_000 });
        using var one = RingProcess.Start(engine.Engine, "one", pages, mode, 1);
        using var two = RingProcess.Start(engine.Engine, "two", pages, mode, 2);
        one.Tell($"fill-runs {run} 0", "filled");
        two.Tell($"fill-runs {run} 1", "filled");
        one.Attach();
        two.Attach();
        var rate = Merge(engine.Engine, 2 * pages);
        one.Tell("verify", "right");
        return rate;
    }

    /// <summary>The pass after the first: it merges all, and hashes nothing.</summary>
    private static double Merge(PageShareEngine engine, int pages)
    {
        engine.ScanOnce();
        var merged = 0L;
        var seconds = 0.0;
        while (merged < pages)
        {
            var pass = engine.ScanOnce();
            merged += pass.PagesMerged;
            seconds += pass.Elapsed.TotalSeconds;
        }

        return merged / seconds;
    }
}

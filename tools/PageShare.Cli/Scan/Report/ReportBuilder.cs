using PageShare.Cli.Html;
using PageShare.Cli.Scan.Count;
using PageShare.Cli.Scan.Layout;

namespace PageShare.Cli.Scan.Report;

/// <summary>
/// Turns counts into the report: lays out frames, asks what budgets save, and estimates where there is a sample.
/// </summary>
/// <remarks>
/// All targets together are as much work as each of them alone, so with two threads the one is done beside the other.
/// Two layouts and what their budgets take are 10 bytes a content: as much as the slots of the table, which are dropped
/// before.
/// </remarks>
/// <param name="counter">All pages counted; it can't count more afterwards.</param>
/// <param name="compression">Pages compressed on the way.</param>
/// <param name="options">What was asked for.</param>
internal sealed class ReportBuilder(PageCounter counter, CompressionSample compression, ScanOptions options)
{
    private const string TotalName = "total";

    private readonly double _share = counter.Sample.IsAll ? 1 : counter.Sample.Share;
    private readonly int[] _readable =
        [.. Enumerable.Range(0, counter.Targets.Count).Where(number => !counter.Targets[number].IsUnreadable)];

    /// <summary>Makes it.</summary>
    /// <param name="interrupted">Whether the user stopped the scan.</param>
    /// <param name="seconds">How long it took.</param>
    public ScanReport Build(bool interrupted, double seconds)
    {
        long tableBytes = counter.Bytes;
        IReadOnlyList<(long Content, int Size)> compressed = FindCompressed();
        counter.Contents.DropSlots();

        bool complete = !interrupted && counter.Targets.All(target => target.IsComplete);
        MappingNeed? need = NewNeed();
        using var together = new FrameLayout(counter.Contents.Count, isOfAll: true);
        TargetReport total = null!;
        TargetReport[] targets = [];
        Parallel.Invoke(
            new ParallelOptions { MaxDegreeOfParallelism = options.Threads },
            () => total = DescribeTotal(together, need, complete),
            () => targets = [.. _readable.Select(DescribeAlone)]);
        if (need is not null)
        {
            targets = [.. targets.Select((target, i) => target with { MappingsTogether = need.MappingsOfTarget[i] })];
        }

        if (options.Html is not null && counter.Sample.IsAll)
        {
            targets = [.. targets.Select((target, i) => target with { Map = MapOf(_readable[i], target.Pages, together) })];
        }

        long alone = targets.Sum(target => target.SavedPages);
        return new ScanReport
        {
            Complete = complete,
            Interrupted = interrupted,
            SampleRate = counter.Sample.IsAll ? null : _share,
            Seconds = seconds,
            Threads = options.Threads,
            TableBytes = tableBytes,
            Targets = targets,
            Total = total,
            DomainPerGuest = new DomainReport(
                alone,
                Math.Max(0, total.SavedPages - alone),
                counter.Sample.IsAll ? targets.Sum(target => target.MappingsNeeded) : null),
            Compression = Compress(together, compressed),
            Problems =
            [
                .. counter.Targets.SelectMany(tally => tally.Target.Problems.Select(
                    problem => new ProblemReport(tally.Target.Name, problem))),
            ],
        };
    }

    /// <summary>Null in a sample: neighbours of a page in it seldom are, so what runs there are can't be known.</summary>
    private MappingNeed? NewNeed() => counter.Sample.IsAll ? new MappingNeed() : null;

    private TargetReport DescribeAlone(int number)
    {
        TargetTally tally = counter.Targets[number];
        MappingNeed? need = NewNeed();
        using var layout = new FrameLayout(counter.Contents.Count, isOfAll: false);
        layout.LayOut(counter.Log, number, need);
        TargetReport report = Describe(
            tally.Pages,
            tally.ZeroPages,
            Distinct(tally.Contents, tally.Pages - tally.ZeroPages),
            Distinct(tally.ContentsOfOthers, tally.Pages - tally.ZeroPages));
        report = report with
        {
            Name = tally.Target.Name,
            Kind = tally.Target.Kind,
            Complete = tally.IsComplete,
            AlreadySharedPages = tally.Target.AlreadySharedPages,
            Notes = [.. tally.Target.Notes],
        };
        return WithLayout(report, layout, need);
    }

    private TargetReport DescribeTotal(FrameLayout layout, MappingNeed? need, bool complete)
    {
        layout.LayOut(counter.Log, counter.Contents, _readable, need);
        TargetTally[] tallies = [.. _readable.Select(number => counter.Targets[number])];
        long pages = tallies.Sum(tally => tally.Pages);
        long zero = tallies.Sum(tally => tally.ZeroPages);
        long across = tallies.Sum(tally => tally.ContentsOfOthers);

        // A content counts once for each target beyond its first.
        int weight = Math.Max(1, tallies.Length - 1);
        TargetReport report = Describe(
            pages, zero, Distinct(counter.Contents.Count, pages - zero), Distinct(across, pages - zero, weight));
        report = report with
        {
            Name = TotalName,
            Kind = TotalName,
            Complete = complete,
            AlreadySharedPages = tallies.Sum(tally => tally.Target.AlreadySharedPages),
        };
        return WithLayout(report, layout, need) with { MappingsTogether = need?.Mappings };
    }

    /// <summary>Pages that have memory, by address.</summary>
    private AddressMap MapOf(int number, long pages, FrameLayout together)
    {
        var map = new AddressMap(pages);
        foreach (Stretch stretch in counter.Log.Read(number))
        {
            for (long i = 0; i < stretch.Length && (stretch.HasContents || stretch.Kind == StretchKind.Zero); i++)
            {
                map.Add(!stretch.HasContents
                    ? PageUse.Zero
                    : together.IsUnique(stretch.ContentAt(i)) ? PageUse.Private : PageUse.Shared);
            }
        }

        return map;
    }

    private TargetReport Describe(long pages, long zero, Estimate distinct, Estimate across)
    {
        Estimate saved = distinct.From(pages);
        return new TargetReport
        {
            Name = "",
            Kind = "",
            Complete = false,
            Pages = pages,
            ZeroPages = zero,
            DistinctPages = distinct.Value,
            DuplicatePages = pages - zero - distinct.Value,
            SavedPages = saved.Value,
            CrossTargetSavedPages = across.Value,
            AlreadySharedPages = 0,
            Intervals = counter.Sample.IsAll
                ? null
                : new IntervalReport
                {
                    DistinctPages = [distinct.Low, distinct.High],
                    SavedPages = [saved.Low, saved.High],
                    CrossTargetSavedPages = [across.Low, across.High],
                },
        };
    }

    private TargetReport WithLayout(TargetReport report, FrameLayout layout, MappingNeed? need)
    {
        report = report with
        {
            ReferenceCounts = layout.ReferenceCounts.Classes(_share),
            CommonestContents = Commonest(layout, report.ZeroPages),
        };
        if (need is null)
        {
            return report;
        }

        var budgets = new Dictionary<string, BudgetReport>();
        foreach (var ((name, limit), (used, saved)) in MappingNeed.Budgets.Zip(need.Share()))
        {
            long pages = saved + report.ZeroPages;
            double ratio = report.Pages == 0 ? 0 : (double)pages / report.Pages;
            budgets.Add(name, new BudgetReport(limit, used, pages, ratio));
        }

        return report with
        {
            MappingsNeeded = need.Mappings,
            SavingByBudget = budgets,
            RunLengths = need.RunLengths.Classes(),
        };
    }

    private List<ContentReport> Commonest(FrameLayout layout, long zeroPages)
    {
        List<ContentReport> contents =
        [
            .. layout.Commonest.Select(common =>
            {
                ref PageContent content = ref counter.Contents[common.Content];
                return new ContentReport(
                    common.Pages, ContentText.Head(content.Head), ContentText.What(content.Kind, content.Head));
            }),
        ];
        if (zeroPages > 0)
        {
            contents.Add(new ContentReport(zeroPages, ContentText.Head(0), ContentText.What(ContentKind.Zero, 0)));
        }

        // A stable sort: among equals the order is that of first sight.
        return [.. contents.OrderByDescending(content => content.Pages)];
    }

    private List<(long Content, int Size)> FindCompressed() =>
    [
        .. compression.Sizes
            .Select(page => (counter.Contents.Find(page.Key.High, page.Key.Low), page.Value))
            .Where(page => page.Item1 >= 0),
    ];

    private CompressionReport? Compress(FrameLayout layout, IReadOnlyList<(long Content, int Size)> compressed)
    {
        int[] sizes = [.. compressed.Where(page => layout.IsUnique(page.Content)).Select(page => page.Size)];
        if (sizes.Length == 0)
        {
            return null;
        }

        long unique = (long)Math.Round(layout.UniqueContents / _share);
        double mean = sizes.Average(size => (double)size);
        double variance = sizes.Sum(size => (size - mean) * (size - mean)) / Math.Max(1, sizes.Length - 1);

        // All of a small target may be in the sample, and then there is nothing to guess.
        double left = Math.Max(0, 1 - ((double)sizes.Length / unique));
        double half = Estimate.Deviations * Math.Sqrt(variance / sizes.Length * left);
        return new CompressionReport
        {
            Compressor = compression.CompressorName,
            UniquePages = unique,
            SampledPages = sizes.Length,
            ShareToHalf = sizes.Count(size => size <= Quantity.PageBytes / 2) / (double)sizes.Length,
            SizeRatio = mean / Quantity.PageBytes,
            SavedBytes = Saved(mean),
            SavedBytesInterval = [Saved(Math.Min(mean + half, Quantity.PageBytes)), Saved(Math.Max(mean - half, 0))],
        };

        long Saved(double size) => (long)(unique * (Quantity.PageBytes - size));
    }

    private Estimate Distinct(long found, long most, int weight = 1) => Estimate.OfSample(found, _share, most, weight);
}

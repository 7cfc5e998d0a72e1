using PageShare.Cli.Html;
using PageShare.Cli.Scan.Count;
using PageShare.Cli.Scan.Layout;

namespace PageShare.Cli.Scan.Report;

/// <summary>
/// Turns counts into the report: lays out frames, asks what budgets save, and estimates where there is a sample.
/// </summary>
/// <param name="counter">All pages counted; it can't count more afterwards, since the table of hashes is
/// dropped.</param>
/// <param name="compression">Pages compressed on the way.</param>
internal sealed class ReportBuilder(PageCounter counter, CompressionSample compression)
{
    private const string TotalName = "total";

    private readonly double _share = counter.Sample.IsAll ? 1 : counter.Sample.Share;
    private long _mappingsAlone;

    /// <summary>Makes it.</summary>
    /// <param name="interrupted">Whether the user stopped the scan.</param>
    /// <param name="seconds">How long it took.</param>
    /// <param name="threads">How many threads read.</param>
    public ScanReport Build(bool interrupted, double seconds, int threads)
    {
        long tableBytes = counter.Bytes;
        IReadOnlyList<(long Content, int Size)> compressed = FindCompressed();
        counter.Contents.DropSlots();

        int[] readable = [.. Enumerable.Range(0, counter.Targets.Count).Where(i => !counter.Targets[i].IsUnreadable)];
        List<TargetReport> targets = [.. readable.Select(DescribeAlone)];
        using FrameLayout together = FrameLayout.Of(counter.Log, counter.Contents.Count, readable);
        CompressionReport? compressionReport = Compress(together, compressed);
        bool complete = !interrupted && counter.Targets.All(target => target.IsComplete);
        TargetReport total = DescribeTotal(together, targets, complete, out IReadOnlyList<long>? mappingsTogether);
        if (mappingsTogether is not null)
        {
            targets =
            [
                .. targets.Select((target, i) => target with
                {
                    MappingsTogether = mappingsTogether[i],
                    Map = MapOf(readable[i], target.Pages, together),
                }),
            ];
        }

        long alone = targets.Sum(target => target.SavedPages);
        return new ScanReport
        {
            Complete = complete,
            Interrupted = interrupted,
            SampleRate = counter.Sample.IsAll ? null : _share,
            Seconds = seconds,
            Threads = threads,
            TableBytes = tableBytes,
            Targets = targets,
            Total = total,
            DomainPerGuest = new DomainReport(
                alone, Math.Max(0, total.SavedPages - alone), counter.Sample.IsAll ? _mappingsAlone : null),
            Compression = compressionReport,
            Problems =
            [
                .. counter.Targets.SelectMany(tally => tally.Target.Problems.Select(
                    problem => new ProblemReport(tally.Target.Name, problem))),
            ],
        };
    }

    private TargetReport DescribeAlone(int number)
    {
        TargetTally tally = counter.Targets[number];
        using FrameLayout layout = FrameLayout.Of(counter.Log, counter.Contents.Count, number);
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
        report = WithLayout(report, layout, out MappingNeed? need);
        _mappingsAlone += need?.Mappings ?? 0;
        return report;
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

    private TargetReport DescribeTotal(
        FrameLayout layout, List<TargetReport> targets, bool complete, out IReadOnlyList<long>? mappingsOfTarget)
    {
        long pages = targets.Sum(target => target.Pages);
        long zero = targets.Sum(target => target.ZeroPages);
        long across = counter.Targets.Sum(tally => tally.ContentsOfOthers);

        // A content counts once for each target beyond its first.
        int weight = Math.Max(1, targets.Count - 1);
        TargetReport report = Describe(
            pages, zero, Distinct(counter.Contents.Count, pages - zero), Distinct(across, pages - zero, weight));
        report = report with
        {
            Name = TotalName,
            Kind = TotalName,
            Complete = complete,
            AlreadySharedPages = targets.Sum(target => target.AlreadySharedPages),
        };
        report = WithLayout(report, layout, out MappingNeed? need);
        mappingsOfTarget = need?.MappingsOfTarget;
        return report with { MappingsTogether = report.MappingsNeeded };
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

    private TargetReport WithLayout(TargetReport report, FrameLayout layout, out MappingNeed? need)
    {
        report = report with
        {
            ReferenceCounts = layout.ReferenceCounts.Classes(_share),
            CommonestContents = Commonest(layout, report.ZeroPages),
        };
        need = null;
        if (!counter.Sample.IsAll)
        {
            // Neighbours of a page in the sample are seldom in it: what runs there are can't be known.
            return report;
        }

        need = MappingNeed.Of(layout);
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

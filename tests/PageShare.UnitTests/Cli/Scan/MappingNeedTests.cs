using PageShare.Cli.Scan;
using PageShare.Cli.Scan.Report;

namespace PageShare.UnitTests.Cli.Scan;

public sealed class MappingNeedTests
{
    private const int Absent = NumberedPages.Absent;
    private const int Region = NumberedPages.Region;

    [Theory]
    [InlineData(1, new[] { 1, 2, 3 })] // nothing shared: the region itself
    [InlineData(1, new[] { 0, 0, 5, 0 })] // zeroes are holes
    [InlineData(4, new[] { 1, 9, 1, 8 })] // 1 shared twice: shared, own, shared, own
    [InlineData(3, new[] { 1, 2, 9, 1, 2 })] // runs keep together
    [InlineData(2, new[] { 1, 2, 1, 2 })] // two runs that adjoin: one cut
    [InlineData(3, new[] { 7, 7, 7 })] // one frame thrice can't be one mapping
    [InlineData(5, new[] { 1, 2, 3, 9, 3, 2, 1 })] // backwards, frames don't follow one another
    [InlineData(3, new[] { 1, 0, 1 })] // a hole is the region's own mapping
    [InlineData(3, new[] { 1, Absent, 1 })] // so is what is not present
    [InlineData(2, new[] { 1, Region, 1 })] // regions are mappings of their own
    [InlineData(3, new[] { 9, 1, Region, 1 })]
    public void MappingsAreThoseOfTheKernel(int expected, int[] pages) =>
        Assert.Equal(expected, Scan(pages).Total.MappingsNeeded);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void MappingsAreThoseOfLabellingEveryPage(int seed)
    {
        var random = new Random(seed);
        int[][] targets = [.. Enumerable.Range(0, 3).Select(_ => RandomPages(random, 2000))];

        TargetReport total = Scan(targets).Total;

        Assert.Equal(Labelled(targets), total.MappingsNeeded);
        BudgetReport enough = total.SavingByBudget!["1M"];
        Assert.Equal(total.MappingsNeeded, enough.MappingsUsed);
        Assert.Equal(total.SavedPages, enough.SavedPages);
    }

    [Fact]
    public void MappingsTogetherAddUpToTheTotal()
    {
        var random = new Random(4);
        ScanReport report = Scan(RandomPages(random, 500), RandomPages(random, 500));

        Assert.Equal(report.Total.MappingsNeeded, report.Targets.Sum(target => target.MappingsTogether));
        Assert.Equal(report.DomainPerGuest.MappingsNeeded, report.Targets.Sum(target => target.MappingsNeeded));
    }

    [Fact]
    public void UnderABudgetTheLongestRunsAreShared()
    {
        // Two copies of: 1,000 runs of 10 pages and 20,000 of one, each between private pages. A run takes two
        // mappings.
        const int Long = 1000;
        const int Short = 20_000;
        int next = 1;
        int[][] runs =
        [
            .. Enumerable.Range(0, Short).Select(_ => (int[])[next++]),
            .. Enumerable.Range(0, Long).Select(_ => Enumerable.Range(next += 10, 10).ToArray()),
        ];
        int unique = 1_000_000;
        int[] Copy() => [unique++, .. runs.SelectMany(run => (int[])[.. run, unique++])];

        TargetReport total = Scan(Copy(), Copy()).Total;
        IReadOnlyDictionary<string, BudgetReport> budgets = total.SavingByBudget!;

        Assert.Equal(2 + (2 * 2 * (Long + Short)), total.MappingsNeeded);
        Assert.All(budgets.Values, budget => Assert.True(budget.MappingsUsed <= budget.Mappings));

        // All long ones take 4,000. What is left goes to short ones of the first copy, which save nothing yet.
        Assert.Equal(Long * 10, budgets["10k"].SavedPages);

        // With 30,000 the short ones of the first copy take most; with 65,530 some of the second save, too.
        Assert.Equal(Long * 10, budgets["30k"].SavedPages);
        long shortOfSecond = ((65_530 - 2) / 2) - (2 * Long) - Short;
        Assert.Equal((Long * 10) + shortOfSecond, budgets["65k"].SavedPages);
        Assert.Equal(total.SavedPages, budgets["1M"].SavedPages);
    }

    [Fact]
    public void ZeroPagesAreSavedUnderAnyBudget()
    {
        TargetReport total = Scan(new int[100]).Total;

        Assert.All(total.SavingByBudget!.Values, budget => Assert.Equal(100, budget.SavedPages));
    }

    [Fact]
    public void RunLengthsAreCountedInClassesThatDouble()
    {
        TargetReport total = Scan([1, 2, 3, 9, 1, 2, 3, 8, 4, 7, 4]).Total;

        Assert.Equal([(1L, 1L, 2L), (3, 4, 2)], total.RunLengths!.Select(size => (size.From, size.To, size.Count)));
    }

    private static ScanReport Scan(params int[][] targets) => ScanSession.Run(
        new ScanOptions { Targets = [], Threads = 2 },
        [.. targets.Select((pages, i) => new NumberedPages($"{i}", pages))],
        CancellationToken.None);

    private static int[] RandomPages(Random random, int count)
    {
        var pages = new List<int>();
        while (pages.Count < count)
        {
            int first = random.Next(12) == 0 ? -random.Next(1, 3) : random.Next(0, 1500);
            int length = first <= 0 ? 1 : random.Next(1, 12);
            pages.AddRange(Enumerable.Range(first, length));
        }

        return [.. pages];
    }

    /// <summary>Another way: what the kernel would show of each page, and how often that does not go on.</summary>
    private static long Labelled(int[][] targets)
    {
        Dictionary<int, int> counts = targets.SelectMany(pages => pages).Where(page => page > 0)
            .GroupBy(page => page).ToDictionary(group => group.Key, group => group.Count());
        var frames = new Dictionary<int, int>();
        long mappings = 0;
        foreach (int[] pages in targets)
        {
            // -1: shows the region's own memory; -2: nothing before.
            int before = -2;
            bool pagesSinceRegion = false;
            foreach (int page in pages)
            {
                if (page == Region)
                {
                    before = -2;
                    pagesSinceRegion = false;
                    continue;
                }

                int shows = -1;
                if (page > 0 && counts[page] > 1)
                {
                    if (!frames.TryGetValue(page, out shows))
                    {
                        shows = frames.Count;
                        frames.Add(page, shows);
                    }
                }

                bool goesOn = shows == -1 ? before == -1 : before >= 0 && shows == before + 1;
                mappings += goesOn && pagesSinceRegion ? 0 : 1;
                before = shows;
                pagesSinceRegion = true;
            }
        }

        return mappings;
    }
}

using PageShare.Cli.Html;
using PageShare.Cli.Scan;
using PageShare.Cli.Scan.Report;
using PageShare.TestKit;

namespace PageShare.UnitTests.Cli.Scan;

public sealed class ScanCountTests : IDisposable
{
    private const string Variable = "PAGESHARE_IMAGES";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(3, 7)]
    public void CountsAreThoseOfSortingWholePages(int seed, int threads)
    {
        byte[][] memories = [.. Enumerable.Range(0, 3).Select(i => PageMix.Make(900 + (i * 61), (seed * 10) + i))];

        ScanReport report = Scan(threads, Write(memories));

        Assert.True(report.Complete);
        AssertIs(SortedPages.Count(memories), report.Total);
        for (int i = 0; i < memories.Length; i++)
        {
            AssertIs(SortedPages.Count(memories[i]), report.Targets[i]);
        }

        long across = report.Targets.Sum(target => target.DistinctPages) - report.Total.DistinctPages;
        Assert.Equal(across, report.Total.CrossTargetSavedPages);
        Assert.Equal(across, report.Targets.Sum(target => target.CrossTargetSavedPages));
        Assert.Equal(across, report.DomainPerGuest.LostPages);
        Assert.Equal(report.Total.SavedPages - across, report.DomainPerGuest.SavedPages);
    }

    [Fact]
    public void CountsOfRealMachinesAreThoseOfSortingWholePages()
    {
        string? folder = Environment.GetEnvironmentVariable(Variable);
        string[] files = folder is null ? [] : [.. Directory.GetFiles(folder, "*.ram").Order(StringComparer.Ordinal)];
        Assert.SkipWhen(files.Length == 0, $"{Variable} names no folder with memory images (*.ram)");
        files = files[..Math.Min(files.Length, 4)];

        AssertIs(SortedPages.Count([.. files.Select(File.ReadAllBytes)]), Scan(2, files).Total);
    }

    [Fact]
    public void NumberOfThreadsChangesNoFigure()
    {
        string[] images = Write(PageMix.Make(1500, 5), PageMix.Make(1500, 6));
        ScanReport one = Scan(1, images);

        for (int threads = 2; threads < 9; threads += 3)
        {
            ScanReport many = Scan(threads, images) with
            {
                Seconds = one.Seconds,
                Threads = one.Threads,
            };
            Assert.Equal(one.ToJson(), many.ToJson());
        }
    }

    [Fact]
    public void TargetsFiguresAreThoseOfAScanOfItAlone()
    {
        string[] images = Write(PageMix.Make(800, 7), PageMix.Make(800, 8));

        TargetReport among = Scan(2, images).Targets[1];
        TargetReport alone = Scan(2, images[1]).Total;

        Assert.Equal(alone.DistinctPages, among.DistinctPages);
        Assert.Equal(alone.MappingsNeeded, among.MappingsNeeded);
        Assert.Equal(alone.ReferenceCounts, among.ReferenceCounts);
        Assert.Equal(alone.RunLengths, among.RunLengths);
        Assert.Equal(alone.SavingByBudget, among.SavingByBudget);
        Assert.Equal(alone.CommonestContents, among.CommonestContents);
    }

    [Fact]
    public void SameImageTwiceSavesAllOfTheSecond()
    {
        byte[] memory = PageMix.Make(400, 9);
        string image = Write(memory)[0];
        SortedPages counted = SortedPages.Count(memory);

        ScanReport report = Scan(2, image, image);

        Assert.Equal(counted.Distinct, report.Total.DistinctPages);
        Assert.Equal(counted.Distinct, report.Total.CrossTargetSavedPages);
        Assert.Equal([0, counted.Distinct], report.Targets.Select(target => target.CrossTargetSavedPages));
    }

    [Fact]
    public void ReferenceCountsAddUpToAllPagesWithContent()
    {
        ScanReport report = Scan(2, Write(PageMix.Make(1200, 10)));

        Assert.Equal(report.Total.DistinctPages, report.Total.ReferenceCounts.Sum(size => size.Count));
        Assert.Equal(
            report.Total.Pages - report.Total.ZeroPages, report.Total.ReferenceCounts.Sum(size => size.Pages));
    }

    [Fact]
    public void CommonestContentsAreNamed()
    {
        byte[] memory = new byte[100 * 4096];
        memory.AsSpan(0, 30 * 4096).Fill(0xCC);
        for (int page = 30; page < 50; page++)
        {
            "Readable text.\n"u8.CopyTo(memory.AsSpan(page * 4096));
            memory.AsSpan((page * 4096) + 15, 100).Fill((byte)'x');
        }

        IReadOnlyList<ContentReport> contents = Scan(1, Write(memory)).Total.CommonestContents;

        Assert.Equal([50L, 30, 20], contents.Select(content => content.Pages));
        Assert.Equal("zero", contents[0].What);
        Assert.StartsWith("fill of 0xcc", contents[1].What, StringComparison.Ordinal);
        Assert.Equal("text", contents[2].What);
        Assert.Equal("5265616461626c6520746578742e0a78", contents[2].Head);
    }

    [Fact]
    public void MapsByAddressAreMadeForTheHtmlPageAlone()
    {
        ScanReport Scan(string? html) => ScanSession.Run(
            Options(2) with { Html = html },
            [new NumberedPages("a", 1, 0, 2, 3), new NumberedPages("b", 4, 2)],
            CancellationToken.None);

        ScanReport report = Scan("page.html");

        Assert.All(Scan(null).Targets, target => Assert.Null(target.Map));
        Assert.Equal(
            [(1L, 1L, 2L), (0, 1, 1)],
            report.Targets.Select(target => target.Map!)
                .Select(map => (map[PageUse.Zero], map[PageUse.Shared], map[PageUse.Private])));
    }

    [Fact]
    public void ThreadThatIsHeldUpHoldsNobodyUp()
    {
        const int Units = 40;
        const int UnitsAhead = 30;
        using var othersAreAhead = new CountdownEvent(UnitsAhead);
        bool wereAhead = false;
        var target = new NumberedPages("numbers", [.. Enumerable.Range(1, 64 * Units)])
        {
            BeforeRead = page =>
            {
                if (page == 0)
                {
                    wereAhead = othersAreAhead.Wait(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
                }
                else if (!othersAreAhead.IsSet)
                {
                    othersAreAhead.Signal();
                }
            },
        };

        ScanReport report = ScanSession.Run(Options(2), [target], CancellationToken.None);

        Assert.True(wereAhead);
        Assert.Equal(64 * Units, report.Total.DistinctPages);
    }

    [Fact]
    public void StopKeepsWhatWasCountedAndSaysItIsIncomplete()
    {
        using var stop = new CancellationTokenSource();
        var target = new NumberedPages("numbers", [.. Enumerable.Range(1, 64 * 50)])
        {
            BeforeRead = page =>
            {
                if (page == 64 * 5)
                {
                    stop.Cancel();
                }
            },
        };
        var never = new NumberedPages("never", 1, 2, 3);

        ScanReport report = ScanSession.Run(Options(1), [target, never], stop.Token);

        Assert.True(report.Interrupted);
        Assert.False(report.Complete);
        Assert.Equal(64 * 6, report.Total.Pages);
        Assert.Equal(64 * 6, report.Total.DistinctPages);
        Assert.False(Assert.Single(report.Targets).Complete);
        Assert.Equal(130, ScanCommand.ExitCodeOf(report));
    }

    [Fact]
    public void FailureOfTheReaderIsNoSilentEnd()
    {
        var target = new NumberedPages("numbers", 1, 2, 3)
        {
            BeforeRead = _ => throw new InvalidOperationException("broken on purpose"),
        };

        var failure = Assert.Throws<InvalidOperationException>(
            () => ScanSession.Run(Options(3), [target], CancellationToken.None));

        Assert.Contains("broken on purpose", failure.InnerException!.Message, StringComparison.Ordinal);
    }

    private static ScanOptions Options(int threads) => new() { Targets = [], Threads = threads };

    private static ScanReport Scan(int threads, params string[] images) =>
        ScanSession.Run(new ScanOptions { Targets = images, Threads = threads }, CancellationToken.None);

    private string[] Write(params byte[][] memories) =>
        [.. memories.Select((memory, i) => _folder.Write($"{i}.ram", memory))];

    private static void AssertIs(SortedPages expected, TargetReport report)
    {
        Assert.Equal(expected.Pages, report.Pages);
        Assert.Equal(expected.ZeroPages, report.ZeroPages);
        Assert.Equal(expected.Distinct, report.DistinctPages);
        Assert.Equal(expected.Duplicates, report.DuplicatePages);
        Assert.Equal(expected.Saved, report.SavedPages);
    }
}

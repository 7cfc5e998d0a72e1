using PageShare.Cli.Run;
using PageShare.TestKit;

namespace PageShare.UnitTests.Cli;

public sealed class GuestPlanTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void SegmentsCoverEveryPageOnce()
    {
        GuestPlan plan = GuestPlan.ForFiles("guest", Files(30), seed: 1);

        long next = 0;
        foreach (PageSegment segment in plan.Segments)
        {
            Assert.Equal(next, segment.FirstPage);
            Assert.True(segment.Pages > 0);
            next = segment.EndPage;
        }

        Assert.Equal(plan.Pages, next);
    }

    [Fact]
    public void EveryFileIsThereOnceAndWhole()
    {
        List<InputFile> files = Files(30);

        GuestPlan plan = GuestPlan.ForFiles("guest", files, seed: 1);

        IEnumerable<PageSegment> loaded = plan.Segments.Where(segment => segment.Origin == PageOrigin.File);
        Assert.Equal(files.Count, loaded.Select(segment => segment.File).Distinct().Count());
        Assert.All(loaded, segment => Assert.Equal(segment.File!.Pages, segment.Pages));
    }

    [Fact]
    public void OwnDataAndZeroPagesComeWithTheFiles()
    {
        GuestPlan plan = GuestPlan.ForFiles("guest", Files(30), seed: 1);

        long files = Sum(PageOrigin.File);
        Assert.Equal(files / 2, Sum(PageOrigin.Private));
        Assert.Equal(files / 6, Sum(PageOrigin.Zero));

        long Sum(PageOrigin origin) =>
            plan.Segments.Where(segment => segment.Origin == origin).Sum(segment => segment.Pages);
    }

    [Fact]
    public void SeedDecidesTheOrder()
    {
        List<InputFile> files = Files(30);

        GuestPlan plan = GuestPlan.ForFiles("guest", files, seed: 1);

        Assert.Equal(plan.Segments, GuestPlan.ForFiles("guest", files, seed: 1).Segments);
        Assert.NotEqual(plan.Segments, GuestPlan.ForFiles("guest", files, seed: 2).Segments);
    }

    [Fact]
    public void SegmentOfFindsEachPage()
    {
        GuestPlan plan = GuestPlan.ForFiles("guest", Files(30), seed: 1);

        for (long page = 0; page < plan.Pages; page++)
        {
            PageSegment segment = plan.SegmentOf(page);
            Assert.InRange(page, segment.FirstPage, segment.EndPage - 1);
        }
    }

    [Fact]
    public void ImageIsRoundedUpToWholePages()
    {
        InputFile image = InputFile.Note(new FileInfo(_folder.Write("vm.ram", new byte[4097])));

        GuestPlan plan = GuestPlan.ForImage("vm", image);

        Assert.Equal(2, plan.Pages);
        Assert.Equal(8192, plan.Bytes);
    }

    private List<InputFile> Files(int count) => [.. Enumerable.Range(1, count).Select(i =>
        InputFile.Note(new FileInfo(_folder.Write($"file-{i}", new byte[i * 1000]))))];
}

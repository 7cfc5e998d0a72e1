using PageShare.Cli;
using PageShare.Cli.Run;
using PageShare.TestKit;

namespace PageShare.UnitTests.Cli;

/// <summary>The record is an oracle, so it is held against the plainest one: a copy of all bytes.</summary>
public sealed class GuestRecordTests : IDisposable
{
    private const int PageBytes = 4096;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void RecordKnowsEveryByteAfterManyChanges()
    {
        GuestPlan plan = Plan();
        var record = new GuestRecord(plan, seed: 5);
        byte[] memory = Everything(record);
        var random = new SeededRandom(99);

        for (int i = 0; i < 5000; i++)
        {
            long page = random.Below(plan.Pages);
            record.Change(page, (PageChange)random.Below(4), memory.AsSpan((int)page * PageBytes, PageBytes));
        }

        Assert.Equal(memory, Everything(record));
    }

    [Fact]
    public void FilesArePageAlignedAndTheirLastPageEndsInZeroes()
    {
        byte[] content = new byte[5000];
        PagePattern.Fill(1, content);
        InputFile file = InputFile.Note(new FileInfo(_folder.Write("file", content)));
        var record = new GuestRecord(GuestPlan.ForImage("guest", file), seed: 5);

        byte[] expected = Everything(record);

        Assert.Equal(content, expected[..5000]);
        Assert.All(expected[5000..], value => Assert.Equal(0, value));
    }

    [Fact]
    public void StretchAcrossSegmentsEqualsItsPages()
    {
        var record = new GuestRecord(Plan(), seed: 5);
        byte[] all = Everything(record);
        byte[] page = new byte[PageBytes];

        for (int i = 0; i < record.Pages; i++)
        {
            record.Expect(i, page);
            Assert.True(page.AsSpan().SequenceEqual(all.AsSpan(i * PageBytes, PageBytes)), $"page {i}");
        }
    }

    [Theory]
    [InlineData(nameof(PageChange.Patch))]
    [InlineData(nameof(PageChange.Rewrite))]
    public void SameChangeTwiceGivesOtherBytes(string name)
    {
        var change = Enum.Parse<PageChange>(name);
        var record = new GuestRecord(Plan(), seed: 5);
        byte[] memory = new byte[PageBytes];
        record.Change(0, change, memory);
        byte[] before = [.. memory];

        record.Change(0, change, memory);

        Assert.NotEqual(before, memory);
    }

    [Fact]
    public void PatchLeavesTheRestOfThePageAlone()
    {
        var record = new GuestRecord(Plan(), seed: 5);
        byte[] before = new byte[PageBytes];
        record.Expect(0, before);
        byte[] after = [.. before];

        record.Change(0, PageChange.Patch, after);

        Assert.InRange(before.Zip(after).Count(pair => pair.First != pair.Second), 1, 256);
    }

    [Fact]
    public void NoTwoGuestsOrPagesHaveTheSamePrivateBytes()
    {
        GuestPlan plan = Plan();
        var pages = new HashSet<UInt128>();
        int privatePages = 0;
        foreach (ulong seed in (ulong[])[1, 2, 3])
        {
            var record = new GuestRecord(plan, seed);
            byte[] page = new byte[PageBytes];
            for (long i = 0; i < plan.Pages; i++)
            {
                if (plan.SegmentOf(i).Origin == PageOrigin.Private)
                {
                    record.Expect(i, page);
                    pages.Add(PageDigest.Of(page));
                    privatePages++;
                }
            }
        }

        Assert.Equal(privatePages, pages.Count);
    }

    [Fact]
    public void KnownZeroFollowsTheWrites()
    {
        GuestPlan plan = Plan();
        var record = new GuestRecord(plan, seed: 5);
        long zero = plan.Segments.First(segment => segment.Origin == PageOrigin.Zero).FirstPage;
        long own = plan.Segments.First(segment => segment.Origin == PageOrigin.Private).FirstPage;
        byte[] memory = new byte[PageBytes];

        Assert.True(record.IsKnownZero(zero));
        Assert.False(record.IsKnownZero(own));
        record.Change(own, PageChange.Clear, memory);
        Assert.True(record.IsKnownZero(own));
        record.Change(own, PageChange.Patch, memory);
        Assert.False(record.IsKnownZero(own));
        record.Change(own, PageChange.Clear, memory);
        record.Change(own, PageChange.Reload, memory);
        Assert.False(record.IsKnownZero(own));
    }

    [Fact]
    public void FileThatShrankIsReportedByName()
    {
        string path = _folder.Write("file", new byte[3 * PageBytes]);
        var record = new GuestRecord(GuestPlan.ForImage("guest", InputFile.Note(new FileInfo(path))), seed: 5);
        File.WriteAllBytes(path, new byte[PageBytes]);

        var refused = Assert.Throws<CommandException>(() => Everything(record));

        Assert.Contains(path, refused.Message, StringComparison.Ordinal);
    }

    private GuestPlan Plan()
    {
        var files = new List<InputFile>();
        for (int i = 1; i <= 6; i++)
        {
            byte[] content = new byte[i * 3000];
            PagePattern.Fill((ulong)i, content);
            files.Add(InputFile.Note(new FileInfo(_folder.Write($"{i}", content))));
        }

        return GuestPlan.ForFiles("guest", files, seed: 3);
    }

    private static byte[] Everything(GuestRecord record)
    {
        byte[] all = new byte[record.Pages * PageBytes];
        record.Expect(0, all);
        return all;
    }
}

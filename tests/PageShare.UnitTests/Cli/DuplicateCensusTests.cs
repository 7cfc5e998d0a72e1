using PageShare.Cli.Run;

namespace PageShare.UnitTests.Cli;

public sealed class DuplicateCensusTests
{
    private const int PageBytes = 4096;

    [Fact]
    public void CountsAreThoseOfComparingWholePages()
    {
        byte[] pages = MixedPages(count: 500, kinds: 60);
        var census = new DuplicateCensus();

        census.Add("domain", pages);

        // The slow and certain way: whole pages as text.
        var all = pages.Chunk(PageBytes).Select(Convert.ToHexString).ToList();
        string zero = new('0', PageBytes * 2);
        int zeroes = all.Count(page => page == zero);
        int distinct = all.Where(page => page != zero).Distinct().Count();
        Assert.Equal(new LoadedPages(500, zeroes, 500 - zeroes - distinct), census.Counts);
        Assert.Equal((500 - distinct) * PageBytes, census.Counts.BestSavedBytes);
    }

    [Fact]
    public void DomainsDoNotShare()
    {
        byte[] pages = MixedPages(count: 10, kinds: 1_000_000);
        var census = new DuplicateCensus();

        census.Add("one", pages);
        census.Add("other", pages);

        Assert.Equal(0, census.Counts.DuplicatePages);
    }

    private static byte[] MixedPages(int count, int kinds)
    {
        byte[] pages = new byte[count * PageBytes];
        var random = new PageShare.Cli.Run.SeededRandom(4);
        for (int i = 0; i < count; i++)
        {
            long kind = random.Below(kinds);
            if (kind > 0)
            {
                PagePattern.Fill((ulong)kind, pages.AsSpan(i * PageBytes, PageBytes));
            }
        }

        return pages;
    }
}

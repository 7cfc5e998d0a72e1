using PageShare.Cli.Scan.Layout;

namespace PageShare.UnitTests.Cli.Scan;

public sealed class CommonContentsTests
{
    [Theory]
    [InlineData(0, 1)]
    [InlineData(5, 3)]
    [InlineData(1000, 4)] // nearly all are equally common
    [InlineData(1000, 1_000_000)]
    public void CommonestAreThoseOfSortingAll(int count, int mostPages)
    {
        var random = new Random(count);
        var all = new (long Content, long Pages)[count];
        for (int i = 0; i < count; i++)
        {
            all[i] = (i, 2 + random.Next(mostPages));
        }

        // Contents of an earlier target are met in any order.
        random.Shuffle(all);
        var common = new CommonContents();
        Array.ForEach(all, content => common.Offer(content.Content, content.Pages));

        Assert.Equal(
            all.OrderByDescending(content => content.Pages).ThenBy(content => content.Content).Take(10),
            common.Commonest);
    }
}

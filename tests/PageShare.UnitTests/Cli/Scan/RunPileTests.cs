using PageShare.Cli.Scan.Layout;

namespace PageShare.UnitTests.Cli.Scan;

public sealed class RunPileTests
{
    [Theory]
    [InlineData(10, 1)] // fewer than are kept
    [InlineData(100, 100)]
    [InlineData(1000, 100)] // dropped again and again
    [InlineData(1000, 999)]
    [InlineData(5000, 3)]
    public void LongestAreKeptAndOfEqualOnesTheEarlier(int runs, int most)
    {
        var random = new Random(runs + most);
        for (int longest = 1; longest <= 10_000; longest *= 10)
        {
            SharedRun[] all = [.. Enumerable.Range(0, runs).Select(i => Run(i, 1 + random.Next(longest)))];

            RunPile pile = Pile(most, all);

            SharedRun[] kept = [.. all.OrderByDescending(run => run.Length).Take(most)];
            Assert.Equal(kept.OrderBy(run => run.Position), pile.Longest().ToArray());
            Assert.Equal(kept, Ordered(pile));
        }
    }

    [Fact]
    public void RunsTooLongToCountAreInOrderToo()
    {
        int[] lengths = [70_000, 5, 65_536, 1 << 30, 65_535, 70_000, 65_537, 1];
        SharedRun[] all = [.. lengths.Select((length, i) => Run(i, length))];

        Assert.Equal(all.OrderByDescending(run => run.Length), Ordered(Pile(100, all)));
    }

    [Fact]
    public void NoRunsAreNoOrder() => Assert.Empty(new RunPile(3).LongestFirst());

    private static SharedRun Run(int number, int length) =>
        new((long)number << 32, number + 1, length, StartsRegion: false, EndsRegion: false);

    private static RunPile Pile(int most, SharedRun[] runs)
    {
        var pile = new RunPile(most);
        Array.ForEach(runs, run => pile.Add(run));
        return pile;
    }

    private static SharedRun[] Ordered(RunPile pile)
    {
        SharedRun[] runs = pile.Longest().ToArray();
        return [.. pile.LongestFirst().Select(i => runs[i])];
    }
}

using PageShare.Workloads.Traces;

namespace PageShare.UnitTests.Workloads;

public sealed class WritePlanTests
{
    private static readonly TraceContents Contents = MakeContents();

    [Fact]
    public void EveryPageThatDiffersIsWrittenOnceAndNoOther()
    {
        var expected = new List<PageOfGuest>();
        for (var guest = 0; guest < Contents.Guests; guest++)
        {
            for (var page = 0; page < Contents[guest, Moment.Idle].Length; page++)
            {
                if (Contents[guest, Moment.Idle][page] != Contents[guest, Moment.Active][page])
                {
                    expected.Add(new PageOfGuest(guest, page));
                }
            }
        }

        var pages = WritePlan.Of(Contents, seed: 3).Pages.ToArray();

        Assert.Equal(expected.Count, pages.Length);
        Assert.Equal(expected, pages.OrderBy(static page => page.Guest).ThenBy(static page => page.Page));
    }

    [Fact]
    public void TheSameSeedGivesTheSameOrderAndAnotherOneAnother()
    {
        var first = WritePlan.Of(Contents, seed: 3).Pages.ToArray();

        Assert.Equal(first, WritePlan.Of(Contents, seed: 3).Pages.ToArray());
        Assert.NotEqual(first, WritePlan.Of(Contents, seed: 4).Pages.ToArray());
    }

    [Fact]
    public void ALimitCutsTheOrderShort()
    {
        var all = WritePlan.Of(Contents, seed: 3).Pages.ToArray();

        Assert.Equal(all[..17], WritePlan.Of(Contents, seed: 3, mostPages: 17).Pages.ToArray());
        Assert.Equal(0, WritePlan.Of(Contents, seed: 3, mostPages: 0).Pages.Length);
    }

    [Fact]
    public void NeighboursAreWrittenInRunsThatAreNotLong()
    {
        var differing = new TraceContents([new int[30]], [[.. Enumerable.Repeat(1, 30)]], 2);

        var pages = WritePlan.Of(differing, seed: 1).Pages.ToArray();

        for (var run = 0; run < pages.Length; run += WritePlan.MostRunPages)
        {
            Assert.Equal(0, pages[run].Page % WritePlan.MostRunPages);
            Assert.Equal(pages[run].Page + WritePlan.MostRunPages - 1, pages[run + WritePlan.MostRunPages - 1].Page);
        }
    }

    private static TraceContents MakeContents()
    {
        var random = new Random(11);
        int[] Pages() => [.. Enumerable.Range(0, 200).Select(_ => random.Next(3))];
        return new TraceContents([Pages(), Pages()], [Pages(), Pages()], 3);
    }
}

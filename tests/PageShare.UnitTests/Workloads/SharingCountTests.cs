using PageShare.Workloads.Traces;

namespace PageShare.UnitTests.Workloads;

public sealed class SharingCountTests
{
    [Fact]
    public void EveryWriteLeavesItEqualToACountFromScratch()
    {
        const int contents = 12;
        var random = new Random(7);
        int[] pages = [.. Enumerable.Range(0, 60).Select(_ => random.Next(contents))];
        var count = new SharingCount(contents);
        count.Add(pages);

        for (var write = 0; write < 2000; write++)
        {
            var page = random.Next(pages.Length);
            count.Remove(pages[page]);
            pages[page] = random.Next(contents);
            count.Add(pages[page]);

            var zeros = pages.Count(static content => content == TraceContents.Zero);
            var distinct = pages.Where(static content => content != TraceContents.Zero).Distinct().Count();
            Assert.Equal(pages.Length, count.Pages);
            Assert.Equal(zeros, count.ZeroPages);
            Assert.Equal(pages.Length - zeros - distinct, count.DuplicatePages);
            Assert.Equal(pages.Length - distinct, count.SavedPages);
        }
    }

    [Fact]
    public void TheFirstPageOfAContentSavesNothingAndZerosSaveAll()
    {
        var count = new SharingCount(3);
        count.Add([1, 2, TraceContents.Zero]);

        Assert.Equal(0, count.DuplicatePages);
        Assert.Equal(1, count.SavedPages);
    }

    [Fact]
    public void WhatIsNotThereCanNotBeTakenAway() =>
        Assert.Throws<InvalidOperationException>(() => new SharingCount(2).Remove(1));
}

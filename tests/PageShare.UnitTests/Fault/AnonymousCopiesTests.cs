using PageShare.Fault;
using PageShare.Memory;

namespace PageShare.UnitTests.Fault;

public unsafe class AnonymousCopiesTests
{
    [Fact]
    public void BreakIsCountedOnceHoweverOftenItIsSeen()
    {
        using var copies = new AnonymousCopies(100);

        Assert.True(copies.CountNew(new PageNumber(7)));
        Assert.False(copies.CountNew(new PageNumber(7)));
        Assert.Equal(0, copies.CountNew(new PageNumber(0), [1UL << 7]));
        Assert.Equal(1, copies.Count);
    }

    [Fact]
    public void PageThatGaveItsCopyUpCountsAnew()
    {
        using var copies = new AnonymousCopies(100);
        copies.CountNew(new PageNumber(64));

        Assert.True(copies.Clear(new PageNumber(64)));
        Assert.False(copies.Clear(new PageNumber(64)));
        Assert.Equal(0, copies.Count);
        Assert.True(copies.CountNew(new PageNumber(64)));
    }

    [Theory]
    [InlineData(0, 64, false)]
    [InlineData(0, 71, true)]
    [InlineData(0, 70, false)]
    [InlineData(70, 1, true)]
    [InlineData(71, 129, false)]
    [InlineData(65, 130, true)]
    [InlineData(3, 5, false)]
    public void CountedPagesAreFoundInAnyStretch(int first, int count, bool isFound)
    {
        using var copies = new AnonymousCopies(256);
        copies.CountNew(new PageNumber(70));
        copies.CountNew(new PageNumber(255));

        Assert.Equal(isFound, copies.ContainsAny(new PageNumber(first), count));
    }

    [Fact]
    public void CountedPagesAreAddedToOthers()
    {
        using var copies = new AnonymousCopies(256);
        copies.CountNew(new PageNumber(70));
        var pages = new ulong[] { 1, 2, 3 };

        copies.AddTo(pages);

        Assert.Equal(new ulong[] { 1, 2 | (1UL << 6), 3 }, pages);
    }

    [Fact]
    public void ClearingAPageLeavesItsNeighbours()
    {
        using var copies = new AnonymousCopies(128);
        Assert.Equal(128, copies.CountNew(new PageNumber(0), [ulong.MaxValue, ulong.MaxValue]));

        copies.Clear(new PageNumber(63));

        Assert.True(copies.Contains(new PageNumber(62)));
        Assert.False(copies.Contains(new PageNumber(63)));
        Assert.True(copies.Contains(new PageNumber(64)));
        Assert.Equal(127, copies.Count);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(37)]
    [InlineData(63)]
    [InlineData(64)]
    [InlineData(100)]
    public void StretchMayBeginAtAnyPage(int first)
    {
        const int Pages = 512;
        using var copies = new AnonymousCopies(Pages);
        var random = new Random(first);
        var anonymous = new ulong[3];
        var expected = new SortedSet<long>();
        for (var bit = 0; bit < 64 * anonymous.Length; bit++)
        {
            if (random.Next(3) == 0)
            {
                anonymous[bit / 64] |= 1UL << (bit % 64);
                expected.Add(first + bit);
            }
        }

        Assert.Equal(expected.Count, copies.CountNew(new PageNumber(first), anonymous));

        Assert.Equal(expected, MarkedIn(copies, Pages));
        Assert.Equal(expected.Count, copies.Count);
        Assert.Equal(0, copies.CountNew(new PageNumber(first), anonymous));
    }

    [Fact]
    public void StretchMayEndWithTheRegion()
    {
        using var copies = new AnonymousCopies(128);

        // 27 bits of the second word lie behind the last page, and are not set.
        Assert.Equal(101, copies.CountNew(new PageNumber(27), [ulong.MaxValue, ulong.MaxValue >> 27]));
        Assert.True(copies.Contains(new PageNumber(127)));
    }

    [Fact]
    public void PageOutsideTheRegionIsRefused()
    {
        using var copies = new AnonymousCopies(64);

        Assert.Throws<ArgumentOutOfRangeException>(() => copies.CountNew(new PageNumber(64)));
        Assert.Throws<ArgumentOutOfRangeException>(() => copies.Contains(new PageNumber(-64)));
        Assert.Throws<ArgumentOutOfRangeException>(() => copies.CountNew(new PageNumber(1), [ulong.MaxValue]));
    }

    [Fact]
    public void FaultCountsOnlyWhereThePageTableShowsABreak()
    {
        using var view = new KernelView(64);
        using var copies = new AnonymousCopies(64);
        view.Read(3);
        view.Write(5);
        view.Write(40);
        view.Read(63);
        nuint[] faults =
            [view.AddressOf(3), view.AddressOf(5), view.AddressOf(5), view.AddressOf(40), view.AddressOf(63)];

        Assert.Equal(2, copies.CountNew(view.Start, faults));
        Assert.Equal([5, 40], MarkedIn(copies, 64));
    }

    [Fact]
    public void FaultOfABreakThatThePassHasSeenIsNotCountedAgain()
    {
        using var view = new KernelView(64);
        using var copies = new AnonymousCopies(64);
        view.Write(5);
        copies.CountNew(new PageNumber(5));

        Assert.Equal(0, copies.CountNew(view.Start, [view.AddressOf(5)]));
    }

    [Fact]
    public void LateFaultOfACopyThatWasDroppedIsNotCounted()
    {
        using var view = new KernelView(64);
        using var copies = new AnonymousCopies(64);
        view.Write(5);
        view.Drop(5);

        Assert.Equal(0, copies.CountNew(view.Start, [view.AddressOf(5)]));
    }

    [Fact]
    public void OneBatchServesAllRegions()
    {
        using var one = new KernelView(64);
        using var other = new KernelView(64);
        var (low, high) = (nuint)one.Start < (nuint)other.Start ? (one, other) : (other, one);
        using var copiesOfLow = new AnonymousCopies(64);
        using var copiesOfHigh = new AnonymousCopies(64);
        low.Write(0);
        low.Write(63);
        high.Write(0);
        high.Write(63);
        nuint[] faults =
        [
            4096, low.AddressOf(0), low.AddressOf(1), low.AddressOf(63),
            high.AddressOf(0), high.AddressOf(1), high.AddressOf(63), unchecked((nuint)(-4096)),
        ];

        Assert.Equal(2, copiesOfLow.CountNew(low.Start, faults));
        Assert.Equal(2, copiesOfHigh.CountNew(high.Start, faults));
        Assert.Equal([0, 63], MarkedIn(copiesOfHigh, 64));
    }

    [Fact]
    public void NoFaultsAreNoBreaks()
    {
        using var view = new KernelView(1);
        using var copies = new AnonymousCopies(1);

        Assert.Equal(0, copies.CountNew(view.Start, []));
    }

    private static long[] MarkedIn(AnonymousCopies copies, int pages) =>
        [.. Enumerable.Range(0, pages).Select(page => (long)page).Where(page => copies.Contains(new PageNumber(page)))];
}

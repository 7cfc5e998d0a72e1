using PageShare.Content;
using PageShare.Memory;

namespace PageShare.UnitTests.Content;

public sealed class PageRecordsTests : IDisposable
{
    private static readonly PageNumber Page = new(5);
    private readonly PageRecords _records = new(100);

    public void Dispose() => _records.Dispose();

    [Fact]
    public void PageCostsFiveBytes()
    {
        Assert.Equal(500, _records.Bytes);
        Assert.Equal(5, PageRecords.BytesPerPage);
    }

    [Fact]
    public void NewPagesAreUnseen()
    {
        for (var page = 0; page < 100; page++)
        {
            Assert.Equal(PageKind.Unseen, _records.KindOf(new PageNumber(page)));
            Assert.False(_records.TryGetHash(new PageNumber(page), out _));
        }
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(7u)]
    [InlineData(uint.MaxValue)]
    public void FirstLookIsNotStableWhateverTheHash(uint hash)
    {
        Assert.Equal(0, _records.Observe(Page, hash));
        Assert.Equal((PageKind.Hashed, hash), (_records.KindOf(Page), _records.HashOf(Page)));
    }

    [Fact]
    public void StablePassesCountUpToThree()
    {
        int[] stable = [.. Enumerable.Range(0, 6).Select(_ => _records.Observe(Page, 7))];
        Assert.Equal([0, 1, 2, 3, 3, 3], stable);
        Assert.Equal(3, _records.StablePassesOf(Page));
    }

    [Fact]
    public void ChangedHashStartsAnew()
    {
        _records.Observe(Page, 7);
        _records.Observe(Page, 7);
        Assert.Equal(0, _records.Observe(Page, 8));
        Assert.Equal((8u, 0), (_records.HashOf(Page), _records.StablePassesOf(Page)));
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(7u)]
    public void BrokenPageHasNoHashUntilItIsLookedAt(uint hash)
    {
        _records.Observe(Page, hash);
        _records.SetSharing(Page, new FrameNumber(3));
        _records.SetPrivate(Page);

        Assert.Equal(PageKind.Hashed, _records.KindOf(Page));
        Assert.False(_records.TryGetHash(Page, out _));
        Assert.Equal(0, _records.Observe(Page, hash));
        Assert.True(_records.TryGetHash(Page, out var known));
        Assert.Equal(hash, known);
    }

    [Fact]
    public void FrameNumberIsNeverTakenForAHash()
    {
        _records.SetSharing(Page, new FrameNumber(42));
        Assert.Equal(new FrameNumber(42), _records.FrameOf(Page));
        Assert.False(_records.TryGetHash(Page, out _));
        Assert.Throws<InvalidOperationException>(() => _records.HashOf(Page));
        Assert.Equal(0, _records.Observe(Page, 42));
    }

    [Fact]
    public void HashIsNeverTakenForAFrameNumber()
    {
        _records.Observe(Page, 42);
        Assert.Throws<InvalidOperationException>(() => _records.FrameOf(Page));
    }

    [Fact]
    public void ZeroPageHasNoHash()
    {
        _records.Observe(Page, 0);
        _records.SetZero(Page);
        Assert.Equal(PageKind.Zero, _records.KindOf(Page));
        Assert.False(_records.TryGetHash(Page, out _));
        Assert.Equal(0, _records.Observe(Page, 0));
    }

    [Fact]
    public void BackOffLevelStaysBetweenItsEnds()
    {
        _records.LowerBackOff(Page);
        Assert.Equal(0, _records.BackOffLevelOf(Page));
        for (var i = 1; i <= 9; i++)
        {
            _records.RaiseBackOff(Page);
            Assert.Equal(Math.Min(i, 7), _records.BackOffLevelOf(Page));
        }

        _records.LowerBackOff(Page);
        Assert.Equal(6, _records.BackOffLevelOf(Page));
    }

    [Fact]
    public void WhateverAPageBecomesItsBackOffLevelStays()
    {
        Action[] changes =
        [
            () => _records.Observe(Page, 1),
            () => _records.Observe(Page, 1),
            () => _records.SetSharing(Page, new FrameNumber(uint.MaxValue - 2)),
            () => _records.SetPrivate(Page),
            () => _records.SetZero(Page),
        ];
        for (var level = 1; level <= 7; level++)
        {
            _records.RaiseBackOff(Page);
            foreach (var change in changes)
            {
                change();
                Assert.Equal(level, _records.BackOffLevelOf(Page));
            }
        }
    }

    [Fact]
    public void ChangingTheBackOffLevelLeavesTheRestAlone()
    {
        _records.Observe(Page, 9);
        _records.Observe(Page, 9);
        _records.RaiseBackOff(Page);
        _records.LowerBackOff(Page);
        Assert.Equal((1, 9u), (_records.StablePassesOf(Page), _records.HashOf(Page)));

        _records.SetPrivate(Page);
        _records.RaiseBackOff(Page);
        Assert.False(_records.TryGetHash(Page, out _));
    }

    [Theory]
    [InlineData(0, 64, 1)]
    [InlineData(1, 64, 1)]
    [InlineData(2, 64, 2)]
    [InlineData(3, 64, 4)]
    [InlineData(7, 64, 64)]
    [InlineData(7, 10, 10)]
    [InlineData(7, 1, 1)]
    [InlineData(7, 0, 1)]
    public void PageHasOneTurnInEachPeriod(int level, int maximumPasses, int period)
    {
        for (var i = 0; i < level; i++)
        {
            _records.RaiseBackOff(Page);
        }

        // Any stretch of one period holds exactly one turn.
        for (var start = 0L; start < 5; start++)
        {
            var turns = Enumerable.Range(0, period).Count(i => !_records.IsBackedOff(Page, start + i, maximumPasses));
            Assert.Equal(1, turns);
        }
    }

    [Fact]
    public void PagesThatBackOffTogetherComeBackInDifferentPassesNeighboursInOne()
    {
        const int Neighbours = 64;
        using var records = new PageRecords(8 * Neighbours);
        var turns = new int[4];
        for (var page = new PageNumber(0); page.Value < records.Length; page++)
        {
            for (var i = 0; i < 3; i++)
            {
                records.RaiseBackOff(page);
            }

            var firstOfThem = new PageNumber(page.Value / Neighbours * Neighbours);
            for (var pass = 0; pass < 4; pass++)
            {
                Assert.Equal(records.IsBackedOff(firstOfThem, pass, 64), records.IsBackedOff(page, pass, 64));
                turns[pass] += records.IsBackedOff(page, pass, 64) ? 0 : 1;
            }
        }

        Assert.All(turns, static turn => Assert.Equal(2 * Neighbours, turn));
    }

    [Fact]
    public void NeighboursDoNotTouchEachOther()
    {
        _records.Observe(Page - 1, 1);
        _records.SetSharing(Page, new FrameNumber(2));
        _records.SetZero(Page.Next);
        Assert.Equal(1u, _records.HashOf(Page - 1));
        Assert.Equal(new FrameNumber(2), _records.FrameOf(Page));
        Assert.Equal(PageKind.Zero, _records.KindOf(Page.Next));
    }

    [Fact]
    public void PageBeyondTheReserveThrows() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => _records.Observe(new PageNumber(100), 1));
}

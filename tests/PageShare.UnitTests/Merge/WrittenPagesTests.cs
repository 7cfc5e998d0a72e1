using PageShare.Content;
using PageShare.Memory;
using PageShare.Merge;
using PageShare.Platform;

namespace PageShare.UnitTests.Merge;

public sealed class WrittenPagesTests : IDisposable
{
    private const int Stretch = Shim.OrderPages;
    private const int Pages = Stretch + 10;
    private const int MaximumPasses = 64;

    private static readonly PageNumber Busy = new(100);

    private readonly WrittenPages _written = new(Pages);
    private readonly PageRecords _records = new(Pages);

    public WrittenPagesTests()
    {
        _written.Take([], areKnown: true, holesMayBeFilled: false);
        for (var page = new PageNumber(0); page.Value < Pages; page++)
        {
            _records.Observe(page, 7);
            _written.Settle(page);
        }
    }

    public void Dispose()
    {
        _written.Dispose();
        _records.Dispose();
    }

    [Fact]
    public void AStretchWithoutBusinessIsPassedOver()
    {
        Assert.True(CanPassOver(0));
    }

    [Fact]
    public void APageWithUnfinishedBusinessIsLookedAt()
    {
        _written.MarkUnsettled(Busy);
        Assert.False(CanPassOver(0));
    }

    [Fact]
    public void AWrittenPageIsLookedAt()
    {
        Write(Busy);
        Assert.False(CanPassOver(0));
    }

    [Fact]
    public void APageThatBacksOffIsLookedAtWhenItHasItsTurn()
    {
        _written.MarkUnsettled(Busy);
        BackOff(Busy, level: 4);
        var turns = Enumerable.Range(0, 64).Where(pass => !CanPassOver(pass)).ToArray();
        Assert.Equal(8, turns.Length);
        Assert.All(turns, pass => Assert.False(_records.IsBackedOff(Busy, pass, MaximumPasses)));
    }

    [Fact]
    public void APageThatBacksOffAndIsWrittenIsLookedAt()
    {
        _written.MarkUnsettled(Busy);
        BackOff(Busy, level: 7);
        Write(Busy);
        Assert.All(Enumerable.Range(0, 64), pass => Assert.False(CanPassOver(pass)));
    }

    [Fact]
    public void BesideAPageThatBacksOffOthersAreLookedAt()
    {
        _written.MarkUnsettled(Busy);
        BackOff(Busy, level: 7);
        _written.MarkUnsettled(Busy + 300);
        Assert.All(Enumerable.Range(0, 64), pass => Assert.False(CanPassOver(pass)));
    }

    [Fact]
    public void APageThatSharesIsLookedAtThoughItHasBackedOff()
    {
        _written.MarkUnsettled(Busy);
        BackOff(Busy, level: 7);
        _records.SetSharing(Busy, new FrameNumber(3));
        Assert.All(Enumerable.Range(0, 64), pass => Assert.False(CanPassOver(pass)));
    }

    [Fact]
    public void APartOfAStretchIsLookedAt()
    {
        for (var page = new PageNumber(Stretch); page.Value < Pages; page++)
        {
            _written.MarkUnsettled(page);
            BackOff(page, level: 7);
        }

        Assert.All(
            Enumerable.Range(0, 64),
            pass => Assert.False(_written.CanPassOver(new PageNumber(Stretch), _records, pass, MaximumPasses)));
    }

    private bool CanPassOver(int pass) => _written.CanPassOver(new PageNumber(0), _records, pass, MaximumPasses);

    private void BackOff(PageNumber page, int level)
    {
        for (var i = 0; i < level; i++)
        {
            _records.RaiseBackOff(page);
        }
    }

    private void Write(PageNumber page)
    {
        var bits = new ulong[Stretch / 64];
        bits[page.Value / 64] = 1UL << (int)(page.Value % 64);
        _written.Take(bits, areKnown: true, holesMayBeFilled: false);
    }
}

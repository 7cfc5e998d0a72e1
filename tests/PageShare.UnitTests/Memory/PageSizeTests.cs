using PageShare.Memory;

namespace PageShare.UnitTests.Memory;

public class PageSizeTests
{
    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 1)]
    [InlineData(4095, 1)]
    [InlineData(4096, 1)]
    [InlineData(4097, 2)]
    [InlineData(long.MaxValue, 1L << 51)]
    public void PartOfAPageCountsAsAPage(long bytes, long pages) => Assert.Equal(pages, PageSize.PagesIn(bytes));

    [Fact]
    public void NegativeLengthIsRefused() => Assert.Throws<ArgumentOutOfRangeException>(() => PageSize.PagesIn(-1));

    [Theory]
    [InlineData(0, true)]
    [InlineData(8192, true)]
    [InlineData(4095, false)]
    [InlineData(4097, false)]
    public void OnlyPageBoundariesAreAligned(long bytes, bool aligned) =>
        Assert.Equal(aligned, PageSize.IsAligned(bytes));
}

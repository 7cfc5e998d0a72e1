using PageShare.Memory;

namespace PageShare.UnitTests.Memory;

public class PageAndFrameNumberTests
{
    [Fact]
    public void OffsetsOfHighNumbersDoNotOverflow()
    {
        Assert.Equal(5_000_000_000L * 4096, new PageNumber(5_000_000_000).Offset);
        Assert.Equal(0xFFFF_FFFDL * 4096, new FrameNumber(0xFFFF_FFFD).Offset);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(4095, 0)]
    [InlineData(4096, 1)]
    public void EachByteLiesInOnePage(long offset, long page) =>
        Assert.Equal(new PageNumber(page), PageNumber.Containing(offset));

    [Fact]
    public void NumbersMoveAndCompareAsIntegers()
    {
        var page = new PageNumber(7);
        Assert.Equal(new PageNumber(10), page + 3);
        Assert.Equal(new PageNumber(5), page - 2);
        Assert.Equal(-3, page - new PageNumber(10));
        Assert.Equal(new PageNumber(8), page.Next);
        Assert.True(page < page.Next && page <= page.Next && page.Next > page && page.Next >= page);

        var frame = new FrameNumber(7);
        Assert.Equal(new FrameNumber(10), frame + 3);
        Assert.Equal(new FrameNumber(5), frame - 2);
        Assert.Equal(-3, frame - new FrameNumber(10));
        Assert.Equal(new FrameNumber(8), frame.Next);
        Assert.True(frame < frame.Next && frame <= frame.Next && frame.Next > frame && frame.Next >= frame);
    }

    [Fact]
    public void FrameNumbersNeverWrap()
    {
        Assert.Throws<OverflowException>(() => new FrameNumber(uint.MaxValue).Next);
        Assert.Throws<OverflowException>(() => new FrameNumber(uint.MaxValue) + 1);
        Assert.Throws<OverflowException>(() => new FrameNumber(0) - 1);
    }
}

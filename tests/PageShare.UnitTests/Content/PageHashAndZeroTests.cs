using PageShare.Content;

namespace PageShare.UnitTests.Content;

public class PageHashAndZeroTests
{
    [Fact]
    public void HashIsTheLowHalfOfXxHash3()
    {
        // XXH3's published 64-bit value for no input at all is 2D06800538D394C2.
        Assert.Equal(0x38D3_94C2u, new XxHash3PageHasher().Hash([]));
    }

    [Fact]
    public void SeedChangesTheHash()
    {
        var page = Page(i => (byte)i);
        Assert.NotEqual(new XxHash3PageHasher(1).Hash(page), new XxHash3PageHasher(2).Hash(page));
    }

    [Fact]
    public void ChangingAnyByteChangesTheHash()
    {
        var hasher = new XxHash3PageHasher();
        var page = new byte[4096];
        var zero = hasher.Hash(page);
        for (var i = 0; i < page.Length; i++)
        {
            page[i] = 1;
            Assert.NotEqual(zero, hasher.Hash(page));
            page[i] = 0;
        }
    }

    [Fact]
    public void PageOfZerosIsZero() => Assert.True(ZeroPage.IsZero(new byte[4096]));

    [Fact]
    public void OneBitAnywhereMakesAPageNonZero()
    {
        var page = new byte[4096];
        for (var bit = 0; bit < 4096 * 8; bit++)
        {
            page[bit / 8] = (byte)(1 << (bit % 8));
            Assert.False(ZeroPage.IsZero(page));
            page[bit / 8] = 0;
        }
    }

    private static byte[] Page(Func<int, byte> content) => [.. Enumerable.Range(0, 4096).Select(content)];
}

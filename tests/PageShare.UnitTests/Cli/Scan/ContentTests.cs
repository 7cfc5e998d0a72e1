using PageShare.Cli.Scan.Count;
using PageShare.Cli.Scan.Report;

namespace PageShare.UnitTests.Cli.Scan;

public sealed class ContentTests
{
    [Theory]
    [InlineData("zero", "zero")]
    [InlineData("fill", "fill of 0xa7")]
    [InlineData("known fill", "fill of 0x6b (freed memory of the kernel's allocator)")]
    [InlineData("pattern", "pattern of 0x0102030405060708")]
    [InlineData("text", "text")]
    [InlineData("text to the end", "text")]
    [InlineData("elf", "first page of an ELF file")]
    [InlineData("binary", "binary")]
    [InlineData("almost fill", "binary")]
    [InlineData("almost text", "binary")]
    public void ContentIsKnownByItsBytes(string kind, string what)
    {
        byte[] page = new byte[4096];
        switch (kind)
        {
            case "fill" or "almost fill":
                page.AsSpan().Fill(0xA7);
                page[4000] = kind == "fill" ? (byte)0xA7 : (byte)0;
                break;
            case "known fill":
                page.AsSpan().Fill(0x6B);
                break;
            case "pattern":
                for (int i = 0; i < page.Length; i++)
                {
                    page[i] = (byte)(1 + (i % 8));
                }

                break;
            case "text" or "text to the end" or "almost text":
                page.AsSpan(0, kind == "text" ? 100 : 4096).Fill((byte)'a');
                page[50] = (byte)'\n';
                page[90] = kind == "almost text" ? (byte)0 : (byte)' ';
                break;
            case "elf":
                ((ReadOnlySpan<byte>)[0x7F, (byte)'E', (byte)'L', (byte)'F', 2]).CopyTo(page);
                break;
            case "binary":
                page[4095] = 1;
                break;
        }

        PageDigest digest = PageDigest.Of(page);

        Assert.Equal(what, ContentText.What(digest.Kind, digest.Head));
        Assert.Equal(Convert.ToHexStringLower(page.AsSpan(0, 16)), ContentText.Head(digest.Head));
    }

    [Fact]
    public void KindOutlivesTheTable()
    {
        PageContent content = PageContent.First(new PageDigest(1, 2, 3, ContentKind.Elf), target: 200_000_000);

        Assert.False(content.AddReference(200_000_000));
        Assert.True(content.AddReference(5));
        Assert.Equal((ContentKind.Elf, 5, 3u), (content.Kind, content.LastTarget, content.References));
    }
}

using PageShare.Cli.Scan;
using PageShare.Cli.Scan.Count;
using PageShare.Cli.Scan.Report;
using PageShare.TestKit;

namespace PageShare.UnitTests.Cli.Scan;

public sealed class CompressionTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("zstd")]
    [InlineData("LZ4")]
    [InlineData("Brotli")]
    public void SizesAreBetweenNothingAndAPage(string name)
    {
        PageCompressor? compressor = name switch
        {
            "zstd" => PageCompressor.FindZstd(),
            "LZ4" => PageCompressor.FindLz4(),
            _ => PageCompressor.Brotli(),
        };
        Assert.SkipWhen(compressor is null, $"this machine has no library for {name}");
        byte[] noise = new byte[4096];
        new Random(1).NextBytes(noise);
        byte[] half = [.. noise[..2048], .. new byte[2048]];

        Assert.StartsWith(name, compressor.Name, StringComparison.Ordinal);
        Assert.Equal(4096, compressor.SizeOf(noise));
        Assert.InRange(compressor.SizeOf(half), 2000, 2300);
        Assert.InRange(compressor.SizeOf(new byte[4096]), 1, 100);

        // Nothing is left of the pages before.
        Assert.Equal(4096, compressor.SizeOf(noise));
        Assert.InRange(compressor.SizeOf(half), 2000, 2300);
    }

    [Fact]
    public void OnlyWhatCanNotBeSharedIsEstimated()
    {
        // 250 pages of noise twice, which can be shared; 150 of noise and 150 of nearly nothing, which can't.
        // So few that all of them are compressed.
        byte[] twice = new byte[250 * 4096];
        byte[] once = new byte[300 * 4096];
        new Random(2).NextBytes(twice);
        new Random(3).NextBytes(once);
        for (int page = 0; page < 150; page++)
        {
            once.AsSpan(page * 4096, 4000).Fill(1);
        }

        CompressionReport compression = Scan([.. twice, .. twice, .. once]).Compression!;

        Assert.Equal(300, compression.UniquePages);
        Assert.Equal(300, compression.SampledPages);
        Assert.Equal(0.5, compression.ShareToHalf);
        Assert.InRange(compression.SavedBytes, 150 * 3900L, 150 * 4096L);
        Assert.InRange(compression.SavedBytes, compression.SavedBytesInterval[0], compression.SavedBytesInterval[1]);
    }

    [Fact]
    public void SampleIsBoundedAndHoldsTheTruth()
    {
        var pages = new byte[20_000 * 4096];
        var random = new Random(4);
        for (int page = 0; page < 20_000; page++)
        {
            // Between nothing and all of the page is noise: half of it on average.
            random.NextBytes(pages.AsSpan(page * 4096, random.Next(16, 4096)));
        }

        CompressionReport compression = Scan(pages).Compression!;

        Assert.InRange(compression.SampledPages, 500, 2048);
        Assert.InRange(compression.SizeRatio, 0.46, 0.56);
        Assert.InRange(compression.ShareToHalf, 0.43, 0.57);
    }

    [Fact]
    public void NothingIsSaidOfPagesThatAreAllShared()
    {
        byte[] page = PageMix.Make(1, 77);

        Assert.Null(Scan([.. page, .. page]).Compression);
    }

    private ScanReport Scan(byte[] memory) => ScanSession.Run(
        new ScanOptions { Targets = [_folder.Write("image.ram", memory)], Threads = 2 }, CancellationToken.None);
}

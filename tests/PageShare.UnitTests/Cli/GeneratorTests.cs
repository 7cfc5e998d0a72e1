using PageShare.Cli.Run;

namespace PageShare.UnitTests.Cli;

public sealed class GeneratorTests
{
    [Fact]
    public void NumbersStayBelowTheBoundAndReachAllOfIt()
    {
        var random = new PageShare.Cli.Run.SeededRandom(1);
        var seen = new HashSet<long>();

        for (int i = 0; i < 1000; i++)
        {
            long number = random.Below(7);
            Assert.InRange(number, 0, 6);
            seen.Add(number);
        }

        Assert.Equal(7, seen.Count);
    }

    [Fact]
    public void FirstNumbersAreThoseOfTheAlgorithm()
    {
        // SplitMix64 with seed 0, as published with the algorithm: runs must be repeatable for ever.
        var random = new PageShare.Cli.Run.SeededRandom(0);

        Assert.Equal(0xE220A8397B1DCDAFul, random.Next());
        Assert.Equal(0x6E789E6AA1B965F4ul, random.Next());
    }

    [Fact]
    public void ShuffleKeepsEveryItem()
    {
        int[] items = [.. Enumerable.Range(0, 100)];
        var random = new PageShare.Cli.Run.SeededRandom(1);

        random.Shuffle(items.AsSpan());

        Assert.NotEqual(Enumerable.Range(0, 100), items);
        Assert.Equal(Enumerable.Range(0, 100), items.Order());
    }

    [Fact]
    public void PatchesLieInsideTheirPage()
    {
        for (ulong seed = 0; seed < 10_000; seed++)
        {
            (int offset, int length) = PagePattern.PatchPlace(seed);
            Assert.InRange(length, 8, 256);
            Assert.Equal(0, length % 8);
            Assert.InRange(offset, 0, 4096 - length);
        }
    }

    [Fact]
    public void OneChangedBitChangesTheDigest()
    {
        byte[] page = new byte[4096];
        PagePattern.Fill(1, page);
        UInt128 digest = PageDigest.Of(page);

        for (int bit = 0; bit < 4096 * 8; bit += 5)
        {
            page[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.NotEqual(digest, PageDigest.Of(page));
            page[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }
}

using PageShare.Cli.Scan.Count;
using PageShare.Cli.Scan.Targets;

namespace PageShare.UnitTests.Cli.Scan;

public sealed class ContentTableTests
{
    private const int MostBytesPerContent = 64;

    // Blocks and the log's first megabytes, which do not grow.
    private const long ConstantBytes = 20L << 20;

    [Fact]
    public void NumbersAreThoseOfADictionary()
    {
        using var table = new ContentTable();
        var expected = new Dictionary<(ulong, ulong), long>();
        var random = new Random(1);
        for (int i = 0; i < 200_000; i++)
        {
            PageDigest page = Digest((ulong)random.Next(60_000));
            bool isKnown = expected.TryGetValue((page.High, page.Low), out long number);
            if (!isKnown)
            {
                number = expected.Count;
                expected.Add((page.High, page.Low), number);
            }

            Assert.Equal(number, table.FindOrAdd(page, 0, out bool isNew));
            Assert.NotEqual(isKnown, isNew);
        }

        Assert.Equal(expected.Count, table.Count);
        Assert.All(expected, page => Assert.Equal(page.Value, table.Find(page.Key.Item1, page.Key.Item2)));
        Assert.Equal(-1, table.Find(1, 2));
    }

    [Fact]
    public void HashesThatDifferInHalfAreTwoContents()
    {
        using var table = new ContentTable();
        PageDigest page = Digest(1);

        table.FindOrAdd(page, 0, out _);
        table.FindOrAdd(page with { High = page.High ^ (1UL << 40) }, 0, out bool isNewByUpperHalf);
        table.FindOrAdd(page with { Low = page.Low ^ 1 }, 0, out bool isNewByLowerHalf);

        Assert.True(isNewByUpperHalf && isNewByLowerHalf);
        Assert.Equal(3, table.Count);
    }

    [Fact]
    public void MemoryIsAtMost64BytesForEachDistinctPage()
    {
        using var counter = new PageCounter(SampleRate.All);
        counter.Begin(new NumberedPages("numbers"));
        var pages = new PageDigest[64];
        long next = 0;
        while (next < 1_000_000)
        {
            for (int i = 0; i < pages.Length; i++)
            {
                pages[i] = Digest((ulong)next++);
            }

            counter.Add(PageRange.Whole(0, pages.Length), pages, 0);
            Assert.True(
                counter.Bytes <= (counter.Contents.Count * MostBytesPerContent) + ConstantBytes,
                $"{counter.Bytes} bytes for {counter.Contents.Count}");
        }

        Assert.Equal(next, counter.Contents.Count);
        Assert.True(counter.Contents.Bytes <= (next * (MostBytesPerContent - 8)) + (4 << 20));
    }

    [Fact]
    public void DuplicatesInAnyOrderTakeNoMoreMemory()
    {
        const int Distinct = 1000;
        const int Units = 110_000;
        using var counter = new PageCounter(SampleRate.All);
        counter.Begin(new NumberedPages("numbers"));
        var random = new Random(3);
        var pages = new PageDigest[64];
        long[] expected = new long[Distinct];
        for (int unit = 0; unit < Units; unit++)
        {
            for (int i = 0; i < pages.Length; i++)
            {
                int number = random.Next(Distinct);
                expected[number]++;
                pages[i] = Digest((ulong)number);
            }

            counter.Add(PageRange.Whole(0, pages.Length), pages, 0);
        }

        counter.Log.Seal();
        Assert.True(counter.Bytes <= (Distinct * MostBytesPerContent) + ConstantBytes, $"{counter.Bytes}");

        // And what went to a file is read back as it was.
        long pagesRead = 0;
        long[] references = new long[Distinct];
        foreach (Stretch stretch in counter.Log.Read(0))
        {
            for (long i = 0; i < stretch.Length; i++, pagesRead++)
            {
                references[stretch.ContentAt(i)]++;
            }
        }

        Assert.Equal((long)Units * 64, pagesRead);
        Assert.Equal(expected.Order(), references.Order());
        Assert.All(
            Enumerable.Range(0, Distinct),
            number => Assert.Equal(counter.Contents[number].References, references[number]));
    }

    /// <summary>A digest as a hash would spread it (the finalizer of SplitMix64).</summary>
    private static PageDigest Digest(ulong number) => new(Mix(number), Mix(~number), number, ContentKind.Binary);

    private static ulong Mix(ulong value)
    {
        value = (value + 0x9E3779B97F4A7C15) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }
}

using PageShare.Cli.Scan.Count;

namespace PageShare.UnitTests.Cli.Scan;

public sealed class PageLogTests
{
    [Fact]
    public void NeighboursOfOneKindAreOneStretch()
    {
        using var log = new PageLog();
        log.BeginTarget();
        log.AddRegion();
        log.Add(StretchKind.Zero, 3);
        log.Add(StretchKind.Zero, 2);
        log.Add(StretchKind.Absent, 7);
        foreach (long number in (long[])[10, 11, 12, 12, 12, 5, 5, 6, 4_000_000_000])
        {
            log.AddContent(number);
        }

        log.Seal();

        Assert.Equal(
            [
                new(StretchKind.Region, 0, 0),
                new(StretchKind.Zero, 5, 0),
                new(StretchKind.Absent, 7, 0),
                new(StretchKind.Ascending, 3, 10),
                new(StretchKind.Ascending, 1, 12),
                new(StretchKind.Ascending, 1, 12),
                new(StretchKind.Ascending, 1, 5),
                new(StretchKind.Ascending, 1, 5),
                new(StretchKind.Ascending, 1, 6),
                new(StretchKind.Ascending, 1, 4_000_000_000),
            ],
            Unrolled(log.Read(0)));
    }

    [Theory]
    [InlineData(long.MaxValue)]
    [InlineData(0)]
    [InlineData(300_000)]
    public void TargetsAreReadBackPageByPage(long memoryLimit)
    {
        using var log = new PageLog { MemoryLimit = memoryLimit };
        var random = new Random(1);
        var written = new List<List<long>>();
        for (int target = 0; target < 4; target++)
        {
            log.BeginTarget();
            var pages = new List<long>();
            for (int i = 0; i < 100_000; i++)
            {
                long number = random.Next(5) == 0 ? -1 : random.Next(1 << random.Next(1, 31));
                pages.Add(number);
                if (number < 0)
                {
                    log.Add(StretchKind.Zero, 1);
                }
                else
                {
                    log.AddContent(number);
                }
            }

            written.Add(pages);
        }

        log.Seal();

        for (int target = 0; target < written.Count; target++)
        {
            Assert.Equal(written[target], Pages(log.Read(target)));
        }
    }

    private static IEnumerable<long> Pages(IEnumerable<Stretch> stretches) => stretches.SelectMany(stretch =>
        Enumerable.Range(0, (int)stretch.Length).Select(i => stretch.HasContents ? stretch.ContentAt(i) : -1));

    // Where a repeated content is cut from the ascending stretch before it matters to nobody: one page each.
    private static List<Stretch> Unrolled(IEnumerable<Stretch> stretches)
    {
        var pages = new List<Stretch>();
        foreach (Stretch stretch in stretches)
        {
            if (stretch.Kind != StretchKind.Repeated)
            {
                pages.Add(stretch);
                continue;
            }

            for (long i = 0; i < stretch.Length; i++)
            {
                pages.Add(new Stretch(StretchKind.Ascending, 1, stretch.First));
            }
        }

        return pages;
    }
}

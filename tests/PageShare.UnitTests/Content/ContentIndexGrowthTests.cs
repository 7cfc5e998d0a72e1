using PageShare.Content;
using PageShare.UnitTests.Memory;

namespace PageShare.UnitTests.Content;

public class ContentIndexGrowthTests
{
    private const long SmallestTable = 61 * 64;

    [Fact]
    public void NeverNeedsMoreThanSevenBytesAnEntry()
    {
        Assert.Equal(7, ContentIndex.MaximumBytesPerEntry);
        var source = new ScrambledContentSource();
        using var index = new ContentIndex(source);
        var worst = 0.0;
        for (var id = 0u; id < 250_000; id++)
        {
            index.Insert(ScrambledContentSource.HashOf(id), ContentRef.Hint(id));
            Assert.True(index.Bytes <= SmallestTable + (7 * index.Count), $"{index.Bytes} bytes at {index.Count}");
            worst = index.Count > 10_000 ? Math.Max(worst, (double)index.Bytes / index.Count) : worst;
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{worst:F3} bytes an entry at worst");
        Assert.Equal(250_000, index.Count);
        Assert.Equal(0, index.Evictions);
        for (var id = 0u; id < 250_000; id++)
        {
            Assert.True(index.TryFind(ScrambledContentSource.HashOf(id), out var found));
            Assert.Equal(ContentRef.Hint(id), found);
        }
    }

    [Fact]
    public void GrowsToWhatIsStillToComeInFewSteps()
    {
        var source = new ScrambledContentSource { Contents = 250_000 };
        using var index = new ContentIndex(source);
        for (var id = 0u; id < 250_000; id++)
        {
            index.Insert(ScrambledContentSource.HashOf(id), ContentRef.Hint(id));
            Assert.True(index.Bytes <= SmallestTable + (6.45 * 250_000), $"{index.Bytes} bytes");
            Assert.True(index.Bytes <= SmallestTable + (6 * 7 * index.Count), $"{index.Bytes} bytes at {index.Count}");
        }

        // Each is asked for when it is moved.
        Assert.InRange(source.Questions, 1, 125_000);
        Assert.Equal(250_000, index.Count);
        for (var id = 0u; id < 250_000; id++)
        {
            Assert.True(index.TryFind(ScrambledContentSource.HashOf(id), out var found));
            Assert.Equal(ContentRef.Hint(id), found);
        }
    }

    [Fact]
    public void MemoryForContentsThatProvedEqualIsGivenBack()
    {
        var source = new ScrambledContentSource { Contents = 400_000 };
        using var index = new ContentIndex(source);
        for (var id = 0u; id < 100_000; id++)
        {
            index.Insert(ScrambledContentSource.HashOf(id), ContentRef.Hint(id));
        }

        var before = index.Bytes;
        index.TrimExcess();
        Assert.InRange(index.Bytes, 1, 7 * 100_000);
        Assert.True(index.Bytes < before);
        for (var id = 0u; id < 100_000; id++)
        {
            Assert.True(index.TryFind(ScrambledContentSource.HashOf(id), out var found));
            Assert.Equal(ContentRef.Hint(id), found);
        }

        var trimmed = index.Bytes;
        index.TrimExcess();
        Assert.Equal(trimmed, index.Bytes);
    }

    [Fact]
    public void ATableThatWasTrimmedToNothingHasRoomAgain()
    {
        var source = new ScrambledContentSource { Contents = 100_000 };
        using var index = new ContentIndex(source);
        for (var id = 0u; id < 100_000; id++)
        {
            index.Insert(ScrambledContentSource.HashOf(id), ContentRef.Hint(id));
        }

        for (var id = 0u; id < 100_000; id++)
        {
            index.Remove(ScrambledContentSource.HashOf(id), ContentRef.Hint(id));
        }

        index.TrimExcess();
        source.Contents = 11;
        for (var id = 0u; id < 11; id++)
        {
            index.Insert(ScrambledContentSource.HashOf(id), ContentRef.Hint(id));
        }

        Assert.Equal(0, index.Evictions);
        Assert.Equal(11, index.Count);
    }

    [Fact]
    public void TableIsGivenBackInPartWhenContentsProveFewerThanItWasMadeFor()
    {
        var source = new ScrambledContentSource { Contents = 140_000 };
        using var index = new ContentIndex(source);
        for (var id = 0u; id < 120_000; id++)
        {
            index.Insert(ScrambledContentSource.HashOf(id), ContentRef.Hint(id));
        }

        var before = index.Bytes;
        index.TrimExcess();
        Assert.Equal(before, index.Bytes);

        source.Contents = 120_000; // the others were merged
        index.TrimExcess();
        Assert.InRange(index.Bytes, 1, (long)(6.45 * 120_000));
        for (var id = 0u; id < 120_000; id++)
        {
            Assert.True(index.TryFind(ScrambledContentSource.HashOf(id), out _));
        }
    }

    [Fact]
    public void ContentsThatOnlyChangeDoNotMakeTheTableGrow()
    {
        var source = new FakeContentSource();
        using var index = new ContentIndex(source);
        for (var id = 0u; id < 20_000; id++)
        {
            source.Hashes[ContentRef.Hint(id)] = ScrambledContentSource.HashOf(id);
        }

        for (var id = 0u; id < 20_000; id++)
        {
            index.Insert(ScrambledContentSource.HashOf(id), ContentRef.Hint(id));
        }

        var before = index.Bytes;
        source.Questions = 0;
        for (var id = 0u; id < 200_000; id++)
        {
            var page = ContentRef.Hint(id % 20_000);
            Assert.True(index.Remove(ScrambledContentSource.HashOf(id), page));
            source.Hashes[page] = ScrambledContentSource.HashOf(id + 20_000);
            index.Insert(ScrambledContentSource.HashOf(id + 20_000), page);
        }

        Assert.Equal(20_000, index.Count);
        Assert.Equal(before, index.Bytes);
        Assert.InRange(index.Bytes, 1, (long)(6.5 * 20_000)); // the prime is a thousandth more
        TestContext.Current.TestOutputHelper?.WriteLine($"{source.Questions} questions");
        Assert.InRange(source.Questions, 1, 100_000); // to renew the marks, of displaced entries alone
    }

    [Fact]
    public void WhatChangedBeforeTheTableGrowsIsNotTakenAlong()
    {
        var source = new FakeContentSource();
        using var index = new ContentIndex(source);
        for (var id = 0u; id < 500; id++)
        {
            source.Hashes[ContentRef.Hint(id)] = ScrambledContentSource.HashOf(id);
            index.Insert(ScrambledContentSource.HashOf(id), ContentRef.Hint(id));
        }

        for (var id = 0u; id < 2000; id++)
        {
            source.Hashes[ContentRef.Hint(id)] = ScrambledContentSource.HashOf(id + 5000); // 500 of them leave an entry
        }

        for (var id = 500u; id < 2000; id++)
        {
            index.Insert(ScrambledContentSource.HashOf(id + 5000), ContentRef.Hint(id));
        }

        Assert.InRange(index.Bytes, SmallestTable + 1, long.MaxValue);
        Assert.InRange(index.Count, 1500, 1502); // of 500 one or two have a new hash that leads to their entry
    }

    [Fact]
    public void StaleEntriesMakeRoomBeforeTheTableGrows()
    {
        var source = new ScrambledContentSource();
        using var index = new ContentIndex(source);
        for (var id = 0u; id < 200_000; id++)
        {
            // Never more than 10,000 live at once.
            source.FirstLive = id < 10_000 ? 0 : id - 9_999;
            index.Insert(ScrambledContentSource.HashOf(id), ContentRef.Hint(id));
        }

        // 10,000 live entries never fill 83 % of a table that has 13,000 places.
        Assert.InRange(index.Bytes, 1, 13_000 * 64 / 12);
        for (var id = source.FirstLive; id < 200_000; id++)
        {
            Assert.True(index.TryFind(ScrambledContentSource.HashOf(id), out _));
        }
    }

    [Fact]
    public void RandomUseMatchesADictionary()
    {
        var random = SeededRandom.Create();
        var source = new FakeContentSource();
        using var index = new ContentIndex(source);

        // What must be found: inserted while its content had that hash, which it kept ever since.
        var sure = new HashSet<(uint Hash, ContentRef Reference)>();
        var evictions = 0L;
        for (var step = 0; step < 100_000; step++)
        {
            // Few tags and many neighbouring buckets: entries overflow and are mistaken for each other all the time.
            var hash = ((uint)random.Next(256) << 24) | (uint)random.Next(4);
            var reference = new ContentRef(random.Next(2) == 0, (uint)random.Next(700));
            switch (random.Next(100))
            {
                case < 40:
                    Forget(source, sure, reference);
                    source.Hashes[reference] = hash;
                    index.Insert(hash, reference);
                    sure.Add((hash, reference));
                    break;
                case < 60:
                    Forget(source, sure, reference);
                    source.Hashes.Remove(reference);
                    break;
                case < 75 when source.Hashes.TryGetValue(reference, out hash):
                    var wasSure = sure.Remove((hash, reference));
                    Assert.True(index.Remove(hash, reference) || !wasSure);
                    break;
                case < 85 when source.Hashes.TryGetValue(reference, out hash):
                    var other = reference with { IsFrame = !reference.IsFrame };
                    Forget(source, sure, other);
                    source.Hashes[other] = hash;
                    wasSure = sure.Remove((hash, reference));
                    var isReplaced = index.Replace(hash, reference, other);
                    Assert.True(isReplaced || !wasSure);
                    if (isReplaced)
                    {
                        sure.Add((hash, other));
                    }

                    break;
                case 99 when random.Next(100) == 0:
                    index.Sweep();
                    break;
                default:
                    var isFound = index.TryFind(hash, out var found);
                    Assert.True(!isFound || source.Hashes[found] == hash);
                    Assert.True(isFound || !sure.Any(entry => entry.Hash == hash), $"step {step}: lost {hash:X8}");
                    break;
            }

            if (index.Evictions != evictions)
            {
                evictions = index.Evictions;
                sure.Clear();
            }
        }
    }

    private static void Forget(
        FakeContentSource source, HashSet<(uint Hash, ContentRef Reference)> sure, ContentRef reference)
    {
        if (source.Hashes.TryGetValue(reference, out var hash))
        {
            sure.Remove((hash, reference));
        }
    }

    [Fact]
    public void EmptyIndexIsTheSmallestTable()
    {
        using var index = new ContentIndex(new FakeContentSource());
        Assert.Equal(SmallestTable, index.Bytes);
    }
}

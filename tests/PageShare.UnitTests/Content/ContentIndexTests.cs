using PageShare.Content;
using PageShare.Memory;

namespace PageShare.UnitTests.Content;

/// <summary>
/// Single entries in the smallest table: bucket k is home to the hashes from k / 61 of all hashes on.
/// </summary>
public sealed class ContentIndexTests : IDisposable
{
    private const int Buckets = 61;

    private readonly FakeContentSource _source = new();
    private readonly ContentIndex _index;

    public ContentIndexTests() => _index = new ContentIndex(_source);

    public void Dispose() => _index.Dispose();

    [Fact]
    public void FindsWhatWasInserted()
    {
        Insert(0xDEAD_BEEF, ContentRef.Hint(uint.MaxValue));
        Insert(0, ContentRef.Of(new FrameNumber(0)));

        Assert.Equal(ContentRef.Hint(uint.MaxValue), Find(0xDEAD_BEEF));
        Assert.Equal(ContentRef.Of(new FrameNumber(0)), Find(0));
        Assert.Null(Find(1));
        Assert.Equal(2, _index.Count);
    }

    [Fact]
    public void EmptyPlacesAreNoEntries() => Assert.Null(Find(0));

    [Fact]
    public void FrameAndHintWithOneIdAreDifferent()
    {
        Insert(5, ContentRef.Hint(1));
        Assert.False(_index.Remove(5, ContentRef.Of(new FrameNumber(1))));
        Assert.True(_index.Remove(5, ContentRef.Hint(1)));
    }

    [Fact]
    public void InsertingTwiceKeepsOneEntry()
    {
        Insert(5, ContentRef.Hint(1));
        Insert(5, ContentRef.Hint(1));
        Assert.Equal(1, _index.Count);
    }

    [Fact]
    public void EntryOfAGonePageIsDroppedWhenMet()
    {
        Insert(5, ContentRef.Hint(1));
        _source.Hashes.Clear();

        Assert.Null(Find(5));
        Assert.Equal(0, _index.Count);
    }

    [Fact]
    public void EntryOfAChangedPageIsDroppedWhenMet()
    {
        Insert(5, ContentRef.Hint(1));
        _source.Hashes[ContentRef.Hint(1)] = 6;

        Assert.Null(Find(5));
        Assert.Equal(0, _index.Count);
    }

    [Fact]
    public void EntryOfAnotherHashWithTheSameTagAndBucketIsLeftAlone()
    {
        Insert(0x0001_0005, ContentRef.Hint(1));

        Assert.Null(Find(0x0002_0005));
        Assert.Equal(ContentRef.Hint(1), Find(0x0001_0005));
    }

    [Fact]
    public void IdsAreNotMistakenForTags()
    {
        for (var i = 0u; i < ContentBucket.Places; i++)
        {
            Insert(i, ContentRef.Hint(0x7777_7777 - i));
        }

        Assert.Null(FindCounting(0x77, out var questions));
        Assert.Equal(0, questions);
    }

    [Fact]
    public void StaleEntryDoesNotHideALiveOneWithItsHash()
    {
        Insert(5, ContentRef.Hint(1));
        Insert(5, ContentRef.Hint(2));
        Insert(5, ContentRef.Hint(3));
        _source.Hashes.Remove(ContentRef.Hint(1));
        _source.Hashes.Remove(ContentRef.Hint(3));

        Assert.Equal(ContentRef.Hint(2), Find(5));
    }

    [Fact]
    public void CollidingContentsStayUntilTheyAreRemoved()
    {
        Insert(5, ContentRef.Hint(1));
        Insert(5, ContentRef.Hint(2));
        Assert.Equal(2, _index.Count);

        var first = Find(5)!.Value;
        Assert.True(_index.Remove(5, first));
        Assert.Equal(3u - first.Id, Find(5)!.Value.Id);
    }

    [Fact]
    public void ReplaceTurnsAHintIntoAFrame()
    {
        Insert(5, ContentRef.Hint(1));
        var frame = ContentRef.Of(new FrameNumber(9));
        _source.Hashes[frame] = 5;

        Assert.True(_index.Replace(5, ContentRef.Hint(1), frame));

        Assert.Equal(frame, Find(5));
        Assert.Equal(1, _index.Count);
        Assert.False(_index.Replace(5, ContentRef.Hint(1), frame));
    }

    [Fact]
    public void RemovingWhatIsNotThereSaysSo()
    {
        Insert(5, ContentRef.Hint(1));
        Assert.False(_index.Remove(6, ContentRef.Hint(1)));
        Assert.False(_index.Remove(5, ContentRef.Hint(2)));
        Assert.Equal(1, _index.Count);
    }

    [Theory]
    [InlineData(0u)] // from the first bucket on
    [InlineData(0xFFFF_FF00u)] // from the last bucket to the first ones
    public void FullBucketOverflowsIntoTheNextOnes(uint start)
    {
        for (var i = 0u; i < 35; i++)
        {
            Insert(start + i, ContentRef.Hint(i));
        }

        for (var gone = 0u; gone < 35; gone++)
        {
            for (var i = 0u; i < 35; i++)
            {
                Assert.Equal(i < gone ? null : ContentRef.Hint(i), Find(start + i));
            }

            Assert.True(_index.Remove(start + gone, ContentRef.Hint(gone)));
        }

        Assert.Equal(0, _index.Count);
    }

    [Fact]
    public void MissDoesNotGoBeyondABucketThatNeverOverflowed()
    {
        InsertIntoAllBucketsButTheFirst(tag: 5);
        Assert.Null(FindCounting(5, out var questions));
        Assert.Equal(0, questions);
    }

    [Fact]
    public void SweepTakesBackMarksThatNoEntryNeeds()
    {
        InsertIntoAllBucketsButTheFirst(tag: 0xFF);
        FillAndEmptyHomeOf(bucket: 0);
        Assert.Null(FindCounting(0xFF, out var before));
        Assert.Equal(1, before);

        _index.Sweep();

        Assert.Null(FindCounting(0xFF, out var after));
        Assert.Equal(0, after);
        Assert.NotNull(Find(HashIn(Buckets - 1, 0xFF)));
    }

    [Fact]
    public void SweepTakesEntriesBackToTheBucketWhereTheyBelong()
    {
        InsertIntoAllBucketsButTheFirst(tag: 0xFF);
        for (byte tag = 0; tag <= ContentBucket.Places; tag++)
        {
            Insert(HashIn(0, tag), ContentRef.Hint(tag)); // the last one has to go elsewhere
        }

        Assert.True(_index.Remove(HashIn(0, 0), ContentRef.Hint(0)));
        _index.Sweep();

        Assert.Null(FindCounting(HashIn(0, 0xFF), out var questions));
        Assert.Equal(0, questions);
        Assert.Equal(ContentRef.Hint(ContentBucket.Places), Find(HashIn(0, ContentBucket.Places)));
    }

    [Fact]
    public void MarksThatNoEntryNeedsAreTakenBackEvenIfTheTableNeverFills()
    {
        InsertIntoAllBucketsButTheFirst(tag: 0xFF);
        for (var round = 0; round < 10 * Buckets; round++)
        {
            FillAndEmptyHomeOf(round % Buckets);
        }

        // A bucket whose mark is set sends the search on to an entry with its tag in another one. Without sweeps all
        // are marked by now; with them never many more than a sixteenth of the places.
        var marked = 0;
        for (var bucket = 1; bucket < Buckets; bucket++)
        {
            FindCounting(HashIn(bucket, 0xFF) + 0x1_0000, out var questions);
            marked += questions > 1 ? 1 : 0;
        }

        Assert.InRange(marked, 0, (Buckets * ContentBucket.Places / 16) + 2);
    }

    [Fact]
    public void SweepKeepsEveryLiveEntryReachable()
    {
        for (var i = 0u; i < 40; i++)
        {
            Insert(i, ContentRef.Hint(i));
        }

        for (var i = 0u; i < 40; i += 2)
        {
            _source.Hashes.Remove(ContentRef.Hint(i));
        }

        _index.Sweep();

        Assert.Equal(20, _index.Count);
        for (var i = 0u; i < 40; i++)
        {
            Assert.Equal(i % 2 == 0 ? null : ContentRef.Hint(i), Find(i));
        }
    }

    [Fact]
    public void PagesMadeToCollidePushEachOtherOutButNeitherFramesNorTheTablesSize()
    {
        var bytes = _index.Bytes;
        var frame = ContentRef.Of(new FrameNumber(1));
        Insert(5, frame);
        for (var i = 0u; i < 10_000; i++)
        {
            Insert(5, ContentRef.Hint(i));
        }

        Assert.Equal(bytes, _index.Bytes);
        Assert.Equal(ContentIndex.MaximumProbes * ContentBucket.Places, _index.Count);
        Assert.Equal(10_001 - _index.Count, _index.Evictions);
        Assert.True(_index.Remove(5, frame));

        // The longest search that there is: all buckets of the path full of stale entries.
        _source.Hashes.Clear();
        Assert.Null(FindCounting(5, out var questions));
        Assert.Equal((ContentIndex.MaximumProbes * ContentBucket.Places) - 1, questions);
        Assert.Equal(0, _index.Count);
    }

    [Fact]
    public void PrefetchOfAnyHashIsHarmless()
    {
        _index.Prefetch(0);
        _index.Prefetch(uint.MaxValue);
        Assert.Equal(0, _index.Count);
    }

    private void Insert(uint hash, ContentRef reference)
    {
        _source.Hashes[reference] = hash;
        _index.Insert(hash, reference);
    }

    // A hash at home in this bucket whose low 8 bits are the tag.
    private static uint HashIn(int bucket, byte tag) => (uint)((((long)bucket << 32) / Buckets) | 0xFF) + 1 + tag;

    private void InsertIntoAllBucketsButTheFirst(byte tag)
    {
        for (var bucket = 1; bucket < Buckets; bucket++)
        {
            Insert(HashIn(bucket, tag), ContentRef.Hint((uint)(1000 + bucket)));
        }
    }

    // One entry more than fits, so that the bucket is marked, and out again.
    private void FillAndEmptyHomeOf(int bucket)
    {
        for (byte tag = 0; tag <= ContentBucket.Places; tag++)
        {
            Insert(HashIn(bucket, tag), ContentRef.Hint(tag));
        }

        for (byte tag = 0; tag <= ContentBucket.Places; tag++)
        {
            Assert.True(_index.Remove(HashIn(bucket, tag), ContentRef.Hint(tag)));
        }
    }

    private ContentRef? Find(uint hash) => _index.TryFind(hash, out var found) ? found : null;

    private ContentRef? FindCounting(uint hash, out long questions)
    {
        _source.Questions = 0;
        var found = Find(hash);
        questions = _source.Questions;
        return found;
    }
}

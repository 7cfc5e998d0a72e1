using System.Runtime.CompilerServices;
using PageShare.Content;

namespace PageShare.UnitTests.Content;

public class ContentBucketTests
{
    [Fact]
    public void IsOneCacheLine() => Assert.Equal(64, Unsafe.SizeOf<ContentBucket>());

    [Fact]
    public void EachPlaceHoldsAnEntryThatItsNeighboursLeaveAlone()
    {
        var bucket = Filled();
        foreach (var hasOverflowed in (ReadOnlySpan<bool>)[true, false])
        {
            bucket.HasOverflowed = hasOverflowed;
            for (var place = 0; place < ContentBucket.Places; place++)
            {
                Assert.Equal(TagOf(place), bucket.TagAt(place));
                Assert.Equal(ReferenceOf(place), bucket.ReferenceAt(place));
                Assert.Equal(IsDisplaced(place), bucket.IsDisplaced(place));
                Assert.Equal(1u << place, bucket.PlacesWith(TagOf(place)));
                Assert.Equal(place, bucket.PlaceOf(TagOf(place), ReferenceOf(place)));
            }

            Assert.True(bucket.IsFull);
            Assert.Equal(hasOverflowed, bucket.HasOverflowed);
        }
    }

    [Fact]
    public void EqualTagsAreAllFound()
    {
        var bucket = default(ContentBucket);
        for (var place = 0; place < ContentBucket.Places; place++)
        {
            Assert.Equal((1u << place) - 1, bucket.PlacesWith(0));
            bucket.Add(0, ReferenceOf(place), displaced: false);
        }

        Assert.Equal((1u << ContentBucket.Places) - 1, bucket.PlacesWith(0));
    }

    [Fact]
    public void LastEntryMovesIntoTheGapWithAllThatBelongsToIt()
    {
        const int last = ContentBucket.Places - 1;
        var bucket = Filled();
        bucket.HasOverflowed = true;
        bucket.RemoveAt(2);

        Assert.Equal(last, bucket.Count);
        Assert.Equal(2, bucket.PlaceOf(TagOf(last), ReferenceOf(last)));
        Assert.Equal(IsDisplaced(last), bucket.IsDisplaced(2));
        Assert.Equal(-1, bucket.PlaceOf(TagOf(2), ReferenceOf(2)));
        Assert.True(bucket.HasOverflowed);
    }

    private static ContentBucket Filled()
    {
        var bucket = default(ContentBucket);
        for (var place = 0; place < ContentBucket.Places; place++)
        {
            Assert.Equal(place, bucket.Count);
            Assert.False(bucket.IsFull);
            bucket.Add(TagOf(place), ReferenceOf(place), IsDisplaced(place));
        }

        return bucket;
    }

    private static byte TagOf(int place) => (byte)(255 - place);

    private static ContentRef ReferenceOf(int place) => new(place % 2 == 1, uint.MaxValue - (uint)place);

    private static bool IsDisplaced(int place) => place % 3 == 2;
}

using PageShare.Memory;

namespace PageShare.UnitTests.Memory;

public sealed unsafe class NativeArrayTests
{
    [Fact]
    public void NewArrayIsZeroThroughout()
    {
        // Dirty the heap first, so that memory that is merely recycled shows.
        for (var i = 0; i < 8; i++)
        {
            using var dirty = NativeArray<byte>.Allocate(5000);
            dirty.Slice(0, 5000).Fill(0xAB);
        }

        using var array = NativeArray<byte>.Allocate(5000);
        Assert.False(array.Slice(0, 5000).ContainsAnyExcept((byte)0));
    }

    [Theory]
    [InlineData(64)]
    [InlineData(4096)]
    public void FirstElementIsAligned(int alignment)
    {
        for (var length = 1; length < 40; length++)
        {
            using var array = NativeArray<byte>.Allocate(length, alignment);
            fixed (byte* first = &array[0])
            {
                Assert.Equal(0, (nint)first % alignment);
            }
        }
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(3)]
    [InlineData(long.MaxValue)]
    [InlineData(long.MinValue)]
    public void IndexOutsideTheArrayThrows(long index)
    {
        using var array = NativeArray<uint>.Allocate(3);
        Assert.Throws<ArgumentOutOfRangeException>(() => array[index]);
        Assert.Throws<ArgumentOutOfRangeException>(() => array.Prefetch(index));
    }

    [Theory]
    [InlineData(-1, 1)]
    [InlineData(0, 4)]
    [InlineData(3, 1)]
    [InlineData(4, 0)]
    [InlineData(1, -1)]
    [InlineData(long.MaxValue, int.MaxValue)]
    public void SliceOutsideTheArrayThrows(long start, int length)
    {
        using var array = NativeArray<uint>.Allocate(3);
        Assert.Throws<ArgumentOutOfRangeException>(() => { array.Slice(start, length); });
    }

    [Fact]
    public void SliceIsAViewOfTheElements()
    {
        using var array = NativeArray<uint>.Allocate(10);
        array.Slice(4, 3)[2] = 77;
        Assert.Equal(77u, array[6]);
        Assert.True(array.Slice(10, 0).IsEmpty);
        Assert.Equal(40, array.Bytes);
    }

    [Fact]
    public void LastElementBeyondFourGibibytesIsReachable()
    {
        // Reserved, not committed: this machine need not have 6 GiB free.
        using var array = NativeArray<ulong>.Allocate(800_000_000);
        array[799_999_999] = 5;
        Assert.Equal(5ul, array[799_999_999]);
        Assert.Equal(0ul, array[400_000_000]);
    }

    [Fact]
    public void DisposedArrayHasNoElementsAndIsFreedOnce()
    {
        var freed = 0;
        var value = 9;
        var array = new NativeArray<int>((byte*)&value, 1, () => freed++);
        Assert.Equal(9, array[0]);

        array.Dispose();
        array.Dispose();

        Assert.Equal(1, freed);
        Assert.Equal(0, array.Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => array[0]);
    }

    [Fact]
    public void ImpossibleLengthsAreRefused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => NativeArray<ulong>.Allocate(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => NativeArray<ulong>.Allocate(long.MaxValue / 4));
        Assert.Throws<ArgumentOutOfRangeException>(() => NativeArray<ulong>.Allocate(1, 48));
        Assert.Throws<ArgumentNullException>(() => new NativeArray<int>(null, 1, null));
    }
}

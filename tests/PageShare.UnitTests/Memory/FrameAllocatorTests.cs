using System.Numerics;
using PageShare.Memory;

namespace PageShare.UnitTests.Memory;

public class FrameAllocatorTests
{
    [Fact]
    public void FramesComeInARowFromTheStart()
    {
        using var allocator = new FrameAllocator(1000);
        Assert.Equal(new FrameNumber(0), allocator.Allocate(70, out var first));
        Assert.Equal(new FrameNumber(70), allocator.Allocate(30, out var second));
        Assert.Equal((70, 30), (first, second));
        Assert.Equal((100, 100), (allocator.Live, allocator.HighWater));
    }

    [Fact]
    public void LowestHoleThatIsLongEnoughIsTaken()
    {
        using var allocator = Filled(1000, 500);
        allocator.Free(new FrameNumber(10), 3);
        allocator.Free(new FrameNumber(100), 80);
        allocator.Free(new FrameNumber(300), 80);

        Assert.Equal(new FrameNumber(100), allocator.Allocate(80, out var got));
        Assert.Equal(80, got);
        Assert.Equal(new FrameNumber(10), allocator.Allocate(2, out _));
    }

    [Fact]
    public void StoreGrowsRatherThanSplittingARun()
    {
        using var allocator = Filled(1000, 500);
        allocator.Free(new FrameNumber(10), 3);

        Assert.Equal(new FrameNumber(500), allocator.Allocate(4, out var got));
        Assert.Equal(4, got);
    }

    [Fact]
    public void FreedNeighboursJoinIntoOneHole()
    {
        using var allocator = Filled(1000, 500);
        allocator.Free(new FrameNumber(60), 10);
        allocator.Free(new FrameNumber(80), 10);
        allocator.Allocate(20, out _);
        allocator.Free(new FrameNumber(70), 10);

        Assert.Equal(new FrameNumber(60), allocator.Allocate(30, out var got));
        Assert.Equal(30, got);
    }

    [Fact]
    public void FullStoreGivesItsLongestHole()
    {
        using var allocator = Filled(500, 500);
        allocator.Free(new FrameNumber(10), 3);
        allocator.Free(new FrameNumber(200), 5);

        Assert.Equal(new FrameNumber(200), allocator.Allocate(8, out var got));
        Assert.Equal(5, got);
    }

    [Fact]
    public void RestAtTheEndIsTakenWhenItIsLongerThanEveryHole()
    {
        using var allocator = Filled(507, 500);
        allocator.Free(new FrameNumber(10), 3);

        Assert.Equal(new FrameNumber(500), allocator.Allocate(8, out var got));
        Assert.Equal(7, got);
    }

    [Fact]
    public void StoreAtItsMaximumGivesNothing()
    {
        using var allocator = Filled(500, 500);
        allocator.Allocate(1, out var got);
        Assert.Equal(0, got);
        Assert.Equal(500, allocator.Live);
    }

    [Fact]
    public void HighWaterFallsBelowEverythingThatIsFree()
    {
        using var allocator = Filled(1000, 500);
        allocator.Free(new FrameNumber(100), 300);
        Assert.Equal(500, allocator.HighWater);

        allocator.Free(new FrameNumber(400), 100);

        Assert.Equal(100, allocator.HighWater);
        Assert.Equal(new FrameNumber(100), allocator.Allocate(50, out _));
    }

    [Fact]
    public void StoreWithManyHolesFillsTheseInsteadOfGrowing()
    {
        using var allocator = Filled(100_000, 20_000);
        for (var frame = 0; frame < 19_999; frame += 2)
        {
            allocator.Free(new FrameNumber((uint)frame), 1);
        }

        // 10,000 holes are more than 4,096 and half of 10,000 live frames.
        var taken = allocator.Allocate(4, out var got);

        Assert.True(taken < new FrameNumber(20_000));
        Assert.Equal(1, got);
        Assert.Equal(20_000, allocator.HighWater);
    }

    [Fact]
    public void FreeingAFreeFrameIsABrokenInvariantAndChangesNothing()
    {
        using var allocator = Filled(1000, 200);
        allocator.Free(new FrameNumber(100), 1);

        Assert.Throws<InvalidOperationException>(() => allocator.Free(new FrameNumber(90), 20));
        Assert.Throws<InvalidOperationException>(() => allocator.Free(new FrameNumber(199), 2));
        Assert.Throws<InvalidOperationException>(() => allocator.Free(new FrameNumber(5000), 1));

        Assert.Equal(199, allocator.Live);
        Assert.Equal(new FrameNumber(100), allocator.Allocate(1, out _));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    public void AskingForNoFrameIsRefused(int wanted)
    {
        using var allocator = new FrameAllocator(10);
        Assert.Throws<ArgumentOutOfRangeException>(() => allocator.Allocate(wanted, out _));
    }

    [Fact]
    public void MergeTargetsThatMeanSomethingElseAreNeverFrames() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new FrameAllocator(0xFFFF_FFFF));

    [Fact]
    public void RandomUseMatchesASetOfFrames()
    {
        const int Maximum = 1500;
        var random = SeededRandom.Create();
        using var allocator = new FrameAllocator(Maximum);
        var live = new SortedSet<long>();

        for (var step = 0; step < 20_000; step++)
        {
            if (random.Next(100) < 52)
            {
                var wanted = random.Next(1, random.Next(4) == 0 ? 200 : 12);
                var expected = FirstFit(live, Maximum, wanted);
                var start = allocator.Allocate(wanted, out var got);
                Assert.Equal(expected.Length, got);
                Assert.True(got == 0 || start.Value == expected.Start, $"step {step}: {start}, not {expected.Start}");
                live.UnionWith(Enumerable.Range((int)start.Value, got).Select(frame => (long)frame));
            }
            else if (live.Count > 0)
            {
                var first = live.ElementAt(random.Next(live.Count));
                var count = 1;
                for (var most = random.Next(1, 150); count < most && live.Contains(first + count); count++)
                {
                }

                allocator.Free(new FrameNumber((uint)first), count);
                live.ExceptWith(Enumerable.Range((int)first, count).Select(frame => (long)frame));
            }

            Assert.Equal(live.Count, allocator.Live);
            Assert.Equal(live.Count == 0 ? 0 : live.Max + 1, allocator.HighWater);
        }
    }

    private static FrameAllocator Filled(int maximum, int live)
    {
        var allocator = new FrameAllocator(maximum);
        allocator.Allocate(live, out _);
        return allocator;
    }

    // What the class promises, told without its bitmap.
    private static (long Start, int Length) FirstFit(SortedSet<long> live, long maximum, int wanted)
    {
        var holes = new List<(long Start, long Length)>();
        var start = 0L;
        foreach (var used in live)
        {
            if (used > start)
            {
                holes.Add((start, used - start));
            }

            start = used + 1;
        }

        var end = (Start: start, Length: maximum - start);
        var chosen = holes.FirstOrDefault(hole => hole.Length >= wanted);
        if (chosen.Length == 0)
        {
            var highestBit = holes.Select(hole => BitOperations.Log2((ulong)hole.Length)).DefaultIfEmpty(0).Max();
            var longHole = holes.FirstOrDefault(hole => hole.Length >= 1L << highestBit);
            chosen = end.Length >= wanted || end.Length >= longHole.Length ? end : longHole;
        }

        return (chosen.Start, (int)Math.Min(wanted, chosen.Length));
    }
}

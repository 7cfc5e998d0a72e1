using System.Numerics;

namespace PageShare.Memory;

/// <summary>
/// Knows which frames of a store are free, and hands them out in extents, since frames in a row share a mapping.
/// </summary>
/// <remarks>
/// <para>First fit by lowest number: the store stays dense at its start, and equal calls give equal frames. The bitmap
/// has a bit for each frame and is searched 64 at a time. So that searches do not go through all short holes of a
/// fragmented store again and again, it is remembered for each power of two where the first hole that long can
/// lie.</para>
/// <para>Holes are punched and cost no memory, but a guest that can read the store could fill them by reading, so its
/// size must stay close to its live frames: while holes are plentiful, a smaller extent in a hole is preferred to a
/// full one at the end. Not thread-safe: guarded by the engine's lock.</para>
/// </remarks>
internal sealed class FrameAllocator : IDisposable
{
    // The store stops growing while it has more holes than this plus half of its live frames.
    private const long HolesAllowed = 4096;
    private const int WordShift = 6;

    private readonly NativeArray<ulong> _used;

    // No hole of 2^i frames or more begins below the i-th. Freeing lowers these, searching raises them.
    private readonly long[] _searchFrom = new long[32];

    // No hole is longer.
    private long _longestHole;

    /// <summary>Creates an allocator with all frames free.</summary>
    /// <param name="maximumFrames">Frames that the store may have.</param>
    /// <exception cref="ArgumentOutOfRangeException">
    /// Negative, or above <see cref="FrameNumber.MaximumFrames"/>.
    /// </exception>
    public FrameAllocator(long maximumFrames)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maximumFrames);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(maximumFrames, FrameNumber.MaximumFrames);
        MaximumFrames = maximumFrames;
        _used = NativeArray<ulong>.Allocate((maximumFrames >> WordShift) + 1);
    }

    /// <summary>Frames that the store may have.</summary>
    public long MaximumFrames { get; }

    /// <summary>Frames handed out.</summary>
    public long Live { get; private set; }

    /// <summary>One more than the highest frame handed out: the store's size in frames need not be larger.</summary>
    public long HighWater { get; private set; }

    /// <summary>Bytes of the bitmap up to <see cref="HighWater"/>; above it is reserved but not touched.</summary>
    public long Bytes => ((HighWater >> WordShift) + 1) * sizeof(ulong);

    private bool HasManyHoles => HighWater - Live > HolesAllowed + Live / 2;

    /// <summary>Hands out frames in a row: as many as wanted if there is such a row, else fewer.</summary>
    /// <remarks>
    /// The row is the lowest hole that is long enough, else the end of the store. If that may not grow so far, it is
    /// what the end has left, or a hole if one has more: the lowest of those whose length has as many bits as the
    /// longest one's.
    /// </remarks>
    /// <param name="wanted">Frames.</param>
    /// <param name="got">Frames from the result on, zero when every frame is in use.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="wanted"/> is not above zero.</exception>
    public FrameNumber Allocate(int wanted, out int got)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(wanted);
        var (start, length) = FindExtent(wanted);
        got = (int)Math.Min(wanted, length);
        Mark(start, got, used: true);
        Live += got;
        HighWater = Math.Max(HighWater, start + got);
        return got == 0 ? default : new FrameNumber((uint)start);
    }

    /// <summary>Takes frames back.</summary>
    /// <exception cref="InvalidOperationException">
    /// One of them is free already: a broken invariant, and nothing was changed.
    /// </exception>
    public void Free(FrameNumber first, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        var end = (long)first.Value + count;
        var free = end > HighWater ? HighWater : NextFree(first.Value, end);
        if (free < end)
        {
            throw new InvalidOperationException($"Broken invariant: frame {free} is freed twice.");
        }

        Mark(first.Value, count, used: false);
        Live -= count;
        var start = PreviousUsed(first.Value) + 1;
        if (end == HighWater)
        {
            HighWater = start;
            return;
        }

        var length = NextUsed(end) - start;
        _longestHole = Math.Max(_longestHole, length);
        for (var bits = BitOperations.Log2((ulong)length); bits >= 0; bits--)
        {
            _searchFrom[bits] = Math.Min(_searchFrom[bits], start);
        }
    }

    /// <summary>The first free frames of [<paramref name="frame"/>, <paramref name="end"/>) that lie in a row; none at
    /// <paramref name="end"/> when all are in use.</summary>
    public (long First, long Count) NextFreeRun(long frame, long end)
    {
        var first = frame < HighWater ? NextFree(frame, end) : frame;
        if (first >= end)
        {
            return (end, 0);
        }

        var last = first < HighWater ? Math.Min(NextUsed(first), end) : end;
        return (first, last - first);
    }

    /// <inheritdoc/>
    public void Dispose() => _used.Dispose();

    private (long Start, long Length) FindExtent(int wanted)
    {
        var hole = wanted <= _longestHole ? FindHole(wanted) : default;
        var end = (Start: HighWater, Length: MaximumFrames - HighWater);
        if (hole.Length > 0)
        {
            return hole;
        }

        if (end.Length >= wanted && !HasManyHoles)
        {
            return end;
        }

        while (hole.Length == 0 && _longestHole > 0)
        {
            hole = FindHole(1L << BitOperations.Log2((ulong)_longestHole));
        }

        return hole.Length > end.Length || (hole.Length > 0 && HasManyHoles) ? hole : end;
    }

    // The lowest hole of at least this length. When there is none, what is known of the longest one is up to date.
    private (long Start, long Length) FindHole(long wanted)
    {
        var bits = BitOperations.Log2((ulong)wanted);
        var (first, longest) = (HighWater, (1L << bits) - 1);
        for (var start = NextFree(_searchFrom[bits], HighWater); start < HighWater;)
        {
            var end = NextUsed(start);
            if (end - start > longest)
            {
                first = Math.Min(first, start);
                longest = end - start;
                if (longest >= wanted)
                {
                    _searchFrom[bits] = first;
                    return (start, longest);
                }
            }

            start = NextFree(end, HighWater);
        }

        _searchFrom[bits] = first;
        _longestHole = longest;
        return default;
    }

    // The first free frame in [frame, end), or end.
    private long NextFree(long frame, long end)
    {
        while (frame < end)
        {
            var free = ~_used[frame >> WordShift] >> (int)(frame & 63);
            if (free != 0)
            {
                return Math.Min(end, frame + BitOperations.TrailingZeroCount(free));
            }

            frame = (frame | 63) + 1;
        }

        return end;
    }

    // The first used frame from here on. There is one: the frame below HighWater.
    private long NextUsed(long frame)
    {
        while (true)
        {
            var used = _used[frame >> WordShift] >> (int)(frame & 63);
            if (used != 0)
            {
                return frame + BitOperations.TrailingZeroCount(used);
            }

            frame = (frame | 63) + 1;
        }
    }

    // The last used frame below this one, or -1.
    private long PreviousUsed(long frame)
    {
        while (--frame >= 0)
        {
            var used = _used[frame >> WordShift] << (int)(63 - (frame & 63));
            if (used != 0)
            {
                return frame - BitOperations.LeadingZeroCount(used);
            }

            frame &= ~63L;
        }

        return -1;
    }

    private void Mark(long start, long count, bool used)
    {
        for (var end = start + count; start < end;)
        {
            var inWord = (int)Math.Min(end - start, 64 - (start & 63));
            var mask = (ulong.MaxValue >> (64 - inWord)) << (int)(start & 63);
            ref var word = ref _used[start >> WordShift];
            word = used ? word | mask : word & ~mask;
            start += inWord;
        }
    }
}

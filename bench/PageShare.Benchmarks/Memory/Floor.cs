using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using PageShare.Memory;

namespace PageShare.Benchmarks.Memory;

/// <summary>The least that memory allows: what benchmarks are held against.</summary>
/// <remarks>Compiled fully at once, since a limit that warms up is none.</remarks>
internal static unsafe partial class Floor
{
    private const int LineBytes = 64;

    /// <summary>Loads every byte; four sums, so that only memory limits it.</summary>
    /// <remarks>
    /// Wider vectors are slower: loads then run ahead of the processor's own prefetching. Of 16, 32 and 64 bytes at a
    /// time, with and without explicit prefetching, this was the fastest (171, 197, 230 ns a page).
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static ulong Read(byte* start, long bytes)
    {
        var (a, b, c, d) = (Vector128<ulong>.Zero, Vector128<ulong>.Zero, Vector128<ulong>.Zero, Vector128<ulong>.Zero);

        // SAFETY: callers pass whole pages that they own, and a page is a multiple of four vectors.
        for (var end = start + bytes; start < end; start += 4 * Vector128<byte>.Count)
        {
            a += Vector128.Load((ulong*)start);
            b += Vector128.Load((ulong*)(start + 16));
            c += Vector128.Load((ulong*)(start + 32));
            d += Vector128.Load((ulong*)(start + 48));
        }

        return Vector128.Sum(a + b + c + d);
    }

    /// <summary>Loads one word of each page.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static ulong ReadFirstWords(byte* start, int pages)
    {
        var sum = 0UL;
        for (var i = 0; i < pages; i++)
        {
            sum += *(ulong*)(start + ((long)i * PageSize.Bytes));
        }

        return sum;
    }

    /// <summary>
    /// Stores to each page the byte that <see cref="PageFiller"/> put there: where pages have no memory, the kernel's
    /// cost of giving it; where they share theirs, the cost of a break that leaves the content as it was.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Touch(byte* start, ReadOnlySpan<int> order)
    {
        foreach (var page in order)
        {
            start[((long)page * PageSize.Bytes) + PageFiller.MarkOffset] = PageFiller.Mark;
        }
    }

    /// <summary>Follows a chain of cache lines: one load cannot begin before the last has ended.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static uint Chase(byte* table, int steps)
    {
        var line = 0u;
        for (var i = 0; i < steps; i++)
        {
            line = *(uint*)(table + ((long)line * LineBytes));
        }

        return line;
    }

    /// <summary>Loads cache lines at places known beforehand: as many at a time as the processor can keep in
    /// flight.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static uint Gather(byte* table, ReadOnlySpan<uint> lines)
    {
        var sum = 0u;
        foreach (var line in lines)
        {
            sum += *(uint*)(table + ((long)line * LineBytes));
        }

        return sum;
    }

    /// <summary>The same with a store to each.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Scatter(byte* table, ReadOnlySpan<uint> lines)
    {
        foreach (var line in lines)
        {
            *(uint*)(table + ((long)line * LineBytes) + 4) += 1;
        }
    }

    /// <summary>The C library's comparison, which the shim uses under seal.</summary>
    [LibraryImport("libc", EntryPoint = "memcmp")]
    public static partial int Compare(byte* left, byte* right, nuint bytes);
}

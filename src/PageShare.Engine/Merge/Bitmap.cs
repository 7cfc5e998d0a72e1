using System.Numerics;

namespace PageShare.Merge;

/// <summary>Bitmaps of pages, 64 a word, as the shim fills them.</summary>
internal static class Bitmap
{
    /// <summary>Words for so many pages.</summary>
    public static int WordsFor(long pages) => checked((int)((pages + 63) / 64));

    /// <summary>Whether a bit is set.</summary>
    public static bool Contains(ReadOnlySpan<ulong> bits, int i) => (bits[i / 64] >> (i % 64) & 1) != 0;

    /// <summary>Clears what lies behind the first bits, which a guest may have written.</summary>
    /// <returns>How many of these are set.</returns>
    public static long KeepFirst(Span<ulong> bits, long count)
    {
        var set = 0L;
        for (var word = 0; word < bits.Length; word++)
        {
            var left = count - (word * 64L);
            bits[word] &= left >= 64 ? ulong.MaxValue : left <= 0 ? 0 : (1UL << (int)left) - 1;
            set += BitOperations.PopCount(bits[word]);
        }

        return set;
    }
}

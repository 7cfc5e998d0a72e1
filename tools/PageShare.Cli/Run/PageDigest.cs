using System.Runtime.InteropServices;

namespace PageShare.Cli.Run;

/// <summary>
/// A 128-bit digest of a page, for counting distinct pages. Not the engine's hash, on purpose: the count is what the
/// engine is measured against.
/// </summary>
internal static class PageDigest
{
    // Odd numbers with about as many ones as zeroes in each byte: the fractions of the square roots of 2, 3, 5 and 7.
    private const ulong First = 0x6A09E667F3BCC909;
    private const ulong Second = 0xBB67AE8584CAA73B;
    private const ulong Third = 0x3C6EF372FE94F82B;
    private const ulong Fourth = 0xA54FF53A5F1D36F1;

    /// <summary>Stands for a page of zeroes.</summary>
    public static UInt128 Zero => UInt128.Zero;

    /// <summary>The digest of a page, or <see cref="Zero"/> if it holds nothing but zeroes.</summary>
    public static UInt128 OfWhole(ReadOnlySpan<byte> page)
    {
        if (!page.ContainsAnyExcept((byte)0))
        {
            return Zero;
        }

        UInt128 digest = Of(page);
        return digest == Zero ? UInt128.One : digest;
    }

    /// <summary>The digest of a page.</summary>
    /// <param name="page">A multiple of 16 bytes.</param>
    public static UInt128 Of(ReadOnlySpan<byte> page)
    {
        ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(page);
        ulong high = First;
        ulong low = Second;
        for (int i = 0; i + 1 < words.Length; i += 2)
        {
            high = Fold(high ^ words[i], words[i + 1] ^ Third);
            low = Fold(low ^ words[i + 1], words[i] ^ Fourth);
        }

        return new UInt128(high, low);
    }

    /// <summary>Both halves of the product: each bit of the factors reaches all of the result.</summary>
    private static ulong Fold(ulong left, ulong right)
    {
        ulong high = Math.BigMul(left, right, out ulong low);
        return high ^ low;
    }
}

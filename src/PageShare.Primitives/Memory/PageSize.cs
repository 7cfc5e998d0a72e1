namespace PageShare.Memory;

/// <summary>
/// The size of a page, which is that of the native contract (PS_PAGE_SIZE), whatever the machine's is.
/// </summary>
internal static class PageSize
{
    /// <summary>log2 of <see cref="Bytes"/>.</summary>
    public const int Shift = 12;

    /// <summary>Bytes in a page and in a frame.</summary>
    public const int Bytes = 1 << Shift;

    /// <summary>How many pages hold <paramref name="bytes"/> bytes; a part of a page counts as one.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="bytes"/> is negative.</exception>
    public static long PagesIn(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);

        // Not (bytes + Bytes - 1) >> Shift, which overflows for the largest lengths.
        return (bytes >> Shift) + ((bytes & (Bytes - 1)) == 0 ? 0 : 1);
    }

    /// <summary>Whether a length, an offset or an address falls on a page boundary.</summary>
    public static bool IsAligned(long bytes) => (bytes & (Bytes - 1)) == 0;
}

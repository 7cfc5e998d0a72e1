using System.Runtime.InteropServices;

namespace PageShare.Content;

/// <summary>The test for pages that hold nothing but zeros.</summary>
internal static class ZeroPage
{
    /// <summary>
    /// Whether every byte is zero. The bytes may change meanwhile; then the answer is one of several right ones.
    /// </summary>
    /// <remarks>
    /// Most pages with content show it in their first word, so that is looked at before the vectors are set up. The
    /// rest is the runtime's vectorized search, which stops at the first non-zero vector too.
    /// </remarks>
    /// <exception cref="ArgumentOutOfRangeException">Fewer than eight bytes.</exception>
    public static bool IsZero(ReadOnlySpan<byte> page) =>
        MemoryMarshal.Read<ulong>(page) == 0 && !page.ContainsAnyExcept((byte)0);
}

using System.Buffers.Binary;
using System.IO.Hashing;
using PageShare.Content;

namespace PageShare.Cli.Scan.Count;

/// <summary>All that is kept of a page once it was read.</summary>
/// <remarks>
/// Pages are taken for equal when their 128-bit XXH3 hashes are (Yann Collet's xxHash). Among n contents two differ and
/// hash alike with probability n² / 2^129: 10^-22 for a TiB of memory. So counts are exact for all practical purposes,
/// as long as nobody makes pages that collide on purpose: the hash is no cryptographic one.
/// </remarks>
/// <param name="High">Upper half of the hash. Samples are taken by it.</param>
/// <param name="Low">Lower half. The table places contents by it.</param>
/// <param name="Head">The first 16 bytes, the first of them the most significant.</param>
/// <param name="Kind">What it looks like.</param>
internal readonly record struct PageDigest(ulong High, ulong Low, UInt128 Head, ContentKind Kind)
{
    /// <summary>Bytes of <see cref="Head"/>.</summary>
    public const int HeadBytes = 16;

    /// <summary>The digest of a page of zeroes, which are counted and not hashed.</summary>
    public static PageDigest Zero { get; } = new(0, 0, 0, ContentKind.Zero);

    /// <summary>The digest of a page.</summary>
    /// <param name="page">Its bytes.</param>
    /// <param name="seed">Digests of one seed can be compared with one another, and with no others.</param>
    public static PageDigest Of(ReadOnlySpan<byte> page, long seed = 0)
    {
        if (ZeroPage.IsZero(page))
        {
            return Zero;
        }

        UInt128 hash = XxHash128.HashToUInt128(page, seed);
        return new PageDigest(
            (ulong)(hash >> 64),
            (ulong)hash,
            BinaryPrimitives.ReadUInt128BigEndian(page),
            ContentKinds.Of(page));
    }
}

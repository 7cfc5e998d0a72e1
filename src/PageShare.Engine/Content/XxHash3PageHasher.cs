using System.IO.Hashing;

namespace PageShare.Content;

/// <summary>Hashes pages by XXH3 (Yann Collet's xxHash), of which the low 32 bits are kept.</summary>
/// <remarks>
/// 32 bits suffice because a hash never authorises a merge: it only picks what to compare. A page without an equal
/// meets one of n indexed contents by chance with probability n / 2^32, that is 0.1 % at 4 million entries (16 GiB of
/// unique pages) and 1.6 % at 64 million, and then costs one seal and compare that comes to nothing. The other use,
/// telling whether a page changed between two passes, errs once in 2^32 changes, towards an attempt to merge a busy
/// page. A wider hash would cost four bytes a page to avoid that. Immutable, hence thread-safe.
/// </remarks>
/// <param name="seed">
/// Makes hashes of one engine differ from another's. A secret seed keeps a guest from filling the index with pages that
/// collide by design; zero gives plain XXH3.
/// </param>
internal sealed class XxHash3PageHasher(long seed = 0) : IPageHasher
{
    /// <inheritdoc/>
    public uint Hash(ReadOnlySpan<byte> page) => unchecked((uint)XxHash3.HashToUInt64(page, seed));
}

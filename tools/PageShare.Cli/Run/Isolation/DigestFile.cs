using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace PageShare.Cli.Run.Isolation;

/// <summary>The digests of a guest's pages in order, written by the guest's process and counted by the run: only who
/// sees all guests can tell how many pages are equal.</summary>
internal sealed class DigestFile(SafeFileHandle file) : IPageTally
{
    private const int DigestBytes = 16;
    private const int ChunkPages = 4096;

    private long _end;

    /// <inheritdoc/>
    public void Add(string domain, ReadOnlySpan<byte> pages)
    {
        var digests = new UInt128[pages.Length / Quantity.PageBytes];
        for (int i = 0; i < digests.Length; i++)
        {
            digests[i] = PageDigest.OfWhole(pages.Slice(i * Quantity.PageBytes, Quantity.PageBytes));
        }

        ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes(digests.AsSpan());
        RandomAccess.Write(file, bytes, _end);
        _end += bytes.Length;
    }

    /// <summary>Counts what is in such a file.</summary>
    /// <exception cref="InvalidDataException">It ends too early.</exception>
    public static void Count(SafeFileHandle file, long pages, string domain, DuplicateCensus census)
    {
        var digests = new UInt128[ChunkPages];
        for (long page = 0; page < pages; page += ChunkPages)
        {
            Span<UInt128> chunk = digests.AsSpan(0, (int)Math.Min(ChunkPages, pages - page));
            Span<byte> bytes = MemoryMarshal.AsBytes(chunk);
            for (int done = 0; done < bytes.Length;)
            {
                int read = RandomAccess.Read(file, bytes[done..], (page * DigestBytes) + done);
                done += read > 0 ? read : throw new InvalidDataException("a guest did not report all of its pages");
            }

            census.AddDigests(domain, chunk);
        }
    }
}

using System.Buffers.Binary;

namespace PageShare.IsolationTests.Cli;

/// <summary>
/// Images of machines that never ran, with what real ones have: files that lie in both, in other places and partly
/// changed, stretches of zeroes and of other fill patterns, and data that is found once.
/// </summary>
internal static class MemoryImages
{
    public const int PageBytes = 4096;

    /// <summary>Makes one image.</summary>
    /// <param name="pages">Its size.</param>
    /// <param name="seed">Another one is another machine with the same files.</param>
    public static byte[] Make(int pages, int seed)
    {
        var random = new Random(seed);
        byte[] image = new byte[pages * PageBytes];
        for (int page = 0; page < pages;)
        {
            int length = Math.Min(1 + random.Next(96), pages - page);
            int kind = random.Next(10);
            int file = random.Next(64);
            for (int i = 0; i < length; i++, page++)
            {
                Span<byte> target = image.AsSpan(page * PageBytes, PageBytes);
                switch (kind)
                {
                    case < 3:
                        break; // zero
                    case 3:
                        target.Fill(0xCC);
                        break;
                    case < 7:
                        Fill(target, new Random((file * 1000) + i));
                        break;
                    default:
                        Fill(target, random);
                        break;
                }
            }
        }

        return image;
    }

    /// <summary>
    /// Bytes that are saved if of all equal pages one is left, and of zero pages none: by comparing whole pages, with
    /// no hash that could be wrong.
    /// </summary>
    public static long BestSavedBytes(params IEnumerable<byte[]> images)
    {
        long pages = 0;
        var distinct = new HashSet<ReadOnlyMemory<byte>>(new WholePages());
        foreach (byte[] image in images)
        {
            for (int offset = 0; offset < image.Length; offset += PageBytes)
            {
                pages++;
                ReadOnlyMemory<byte> page = image.AsMemory(offset, Math.Min(PageBytes, image.Length - offset));
                if (page.Span.ContainsAnyExcept((byte)0))
                {
                    distinct.Add(page);
                }
            }
        }

        return (pages - distinct.Count) * PageBytes;
    }

    private static void Fill(Span<byte> page, Random random)
    {
        for (; page.Length > 0; page = page[sizeof(long)..])
        {
            BinaryPrimitives.WriteInt64LittleEndian(page, random.NextInt64());
        }
    }

    private sealed class WholePages : IEqualityComparer<ReadOnlyMemory<byte>>
    {
        public bool Equals(ReadOnlyMemory<byte> x, ReadOnlyMemory<byte> y) => x.Span.SequenceEqual(y.Span);

        public int GetHashCode(ReadOnlyMemory<byte> page)
        {
            var hash = new HashCode();
            hash.AddBytes(page.Span);
            return hash.ToHashCode();
        }
    }
}

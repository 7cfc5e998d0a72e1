namespace PageShare.UnitTests.Cli.Scan;

/// <summary>
/// Memory as guests have it: runs of zeroes, of fill, of pages that others have too, and of private ones.
/// </summary>
internal static class PageMix
{
    public const int PageBytes = 4096;

    public static byte[] Make(int pages, int seed)
    {
        var random = new Random(seed);
        byte[] memory = new byte[pages * PageBytes];
        for (int page = 0; page < pages;)
        {
            int length = Math.Min(1 + random.Next(40), pages - page);
            int kind = random.Next(10);
            int file = random.Next(30);
            for (int i = 0; i < length; i++, page++)
            {
                Span<byte> target = memory.AsSpan(page * PageBytes, PageBytes);
                switch (kind)
                {
                    case < 2:
                        break;
                    case 2:
                        target.Fill(0xCC);
                        break;
                    case < 7:
                        NumberedPages.Fill(target, 1 + (file * 100) + i);
                        break;
                    default:
                        random.NextBytes(target);
                        break;
                }

                // The kind of page that a hash of its beginning would get wrong: equal up to the last byte.
                if (kind == 8)
                {
                    target[..^1].Clear();
                    target[^1] = (byte)(1 + random.Next(200));
                }
            }
        }

        return memory;
    }
}

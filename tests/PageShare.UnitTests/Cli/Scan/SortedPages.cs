namespace PageShare.UnitTests.Cli.Scan;

/// <summary>Counts pages by sorting them, every byte of them, and comparing neighbours: no hash, no table.</summary>
internal readonly record struct SortedPages(long Pages, long ZeroPages, long Distinct)
{
    private const int PageBytes = 4096;

    public long Saved => Pages - Distinct;

    public long Duplicates => Pages - ZeroPages - Distinct;

    public static SortedPages Count(params byte[][] memories)
    {
        (byte[] Memory, int Offset)[] pages =
        [
            .. memories.SelectMany(memory => Enumerable.Range(0, memory.Length / PageBytes)
                .Select(page => (memory, page * PageBytes))),
        ];
        Array.Sort(pages, (left, right) => Bytes(left).SequenceCompareTo(Bytes(right)));
        long zero = pages.LongCount(page => !Bytes(page).ContainsAnyExcept((byte)0));
        long distinct = 0;
        for (int i = 0; i < pages.Length; i++)
        {
            distinct += i == 0 || !Bytes(pages[i]).SequenceEqual(Bytes(pages[i - 1])) ? 1 : 0;
        }

        return new SortedPages(pages.Length, zero, distinct - (zero > 0 ? 1 : 0));
    }

    private static ReadOnlySpan<byte> Bytes((byte[] Memory, int Offset) page) =>
        page.Memory.AsSpan(page.Offset, PageBytes);
}

namespace PageShare.CrashProbe.Oracle;

/// <summary>
/// Divides pages among writers in blocks of one to four, so that what a page holds is one thread's doing alone and
/// known exactly, while its neighbours are always somebody else's. Immutable.
/// </summary>
internal sealed class PageOwners
{
    private const int LongestBlock = 4;

    private readonly List<Block>[] _blocks; // by owner; ascending

    public PageOwners(int seed, int writers, int pages)
    {
        var random = new Random(seed);
        _blocks = [.. Enumerable.Range(0, writers).Select(static _ => new List<Block>())];
        for (int page = 0, owner = 0, count; page < pages; page += count)
        {
            count = Math.Min(1 + random.Next(LongestBlock), pages - page);
            _blocks[owner].Add(new Block(page, count));
            owner = (owner + 1 + random.Next(Math.Max(1, writers - 1))) % writers; // any other
        }
    }

    /// <summary>Pages of one owner that follow one another.</summary>
    public readonly record struct Block(int First, int Count)
    {
        public int Bytes => Count * BusyGuests.PageBytes;
    }

    /// <summary>All blocks of a writer that end within so many pages.</summary>
    public IEnumerable<Block> BlocksOf(int writer, int pages) =>
        _blocks[writer].TakeWhile(block => block.First + block.Count <= pages);

    /// <summary>One of these; false if there is none.</summary>
    public bool TryPick(int writer, int pages, Random random, out Block block)
    {
        var blocks = _blocks[writer];
        var usable = blocks.Count;
        while (usable > 0 && blocks[usable - 1].First + blocks[usable - 1].Count > pages)
        {
            usable--;
        }

        block = usable == 0 ? default : blocks[random.Next(usable)];
        return usable > 0;
    }
}

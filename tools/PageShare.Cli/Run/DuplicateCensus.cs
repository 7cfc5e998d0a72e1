namespace PageShare.Cli.Run;

/// <summary>
/// Counts, while guests load, how many of their pages are equal: what could be saved at best, known without the engine.
/// </summary>
/// <remarks>Not thread-safe. Keeps some 40 bytes for each distinct page until it is dropped after loading.</remarks>
internal sealed class DuplicateCensus
{
    private readonly Dictionary<string, HashSet<UInt128>> _seen = [];
    private long _pages;
    private long _zeroPages;
    private long _duplicatePages;

    /// <summary>The counts so far.</summary>
    public LoadedPages Counts => new(_pages, _zeroPages, _duplicatePages);

    /// <summary>Counts whole pages of a guest in a share domain.</summary>
    public void Add(string domain, ReadOnlySpan<byte> pages)
    {
        if (!_seen.TryGetValue(domain, out HashSet<UInt128>? seen))
        {
            seen = [];
            _seen.Add(domain, seen);
        }

        for (; pages.Length > 0; pages = pages[Quantity.PageBytes..])
        {
            ReadOnlySpan<byte> page = pages[..Quantity.PageBytes];
            _pages++;
            if (!page.ContainsAnyExcept((byte)0))
            {
                _zeroPages++;
            }
            else if (!seen.Add(PageDigest.Of(page)))
            {
                _duplicatePages++;
            }
        }
    }
}

/// <summary>The pages that guests loaded, counted exactly.</summary>
/// <param name="Pages">All of them, each written by its guest.</param>
/// <param name="ZeroPages">Of these, all zero.</param>
/// <param name="DuplicatePages">Of these, not zero and equal to an earlier page of the same share domain.</param>
internal readonly record struct LoadedPages(long Pages, long ZeroPages, long DuplicatePages)
{
    /// <summary>What exact counting of distinct pages saves: the optimum.</summary>
    public long BestSavedBytes => (ZeroPages + DuplicatePages) * Quantity.PageBytes;
}

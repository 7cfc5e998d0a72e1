namespace PageShare.Cli.Run;

/// <summary>
/// Counts, while guests load, how many of their pages are equal: what could be saved at best, known without the engine.
/// </summary>
/// <remarks>Not thread-safe. Keeps some 40 bytes for each distinct page until it is dropped after loading.</remarks>
internal sealed class DuplicateCensus : IPageTally
{
    private readonly Dictionary<string, HashSet<UInt128>> _seen = [];
    private long _pages;
    private long _zeroPages;
    private long _duplicatePages;

    /// <summary>The counts so far.</summary>
    public LoadedPages Counts => new(_pages, _zeroPages, _duplicatePages);

    /// <inheritdoc/>
    public void Add(string domain, ReadOnlySpan<byte> pages)
    {
        HashSet<UInt128> seen = SeenIn(domain);
        for (; pages.Length > 0; pages = pages[Quantity.PageBytes..])
        {
            Count(seen, PageDigest.OfWhole(pages[..Quantity.PageBytes]));
        }
    }

    /// <summary>Counts pages that another process looked at.</summary>
    /// <param name="domain">The guest's share domain.</param>
    /// <param name="digests">What <see cref="PageDigest.OfWhole"/> said of each page.</param>
    public void AddDigests(string domain, ReadOnlySpan<UInt128> digests)
    {
        HashSet<UInt128> seen = SeenIn(domain);
        foreach (UInt128 digest in digests)
        {
            Count(seen, digest);
        }
    }

    private HashSet<UInt128> SeenIn(string domain)
    {
        if (!_seen.TryGetValue(domain, out HashSet<UInt128>? seen))
        {
            seen = [];
            _seen.Add(domain, seen);
        }

        return seen;
    }

    private void Count(HashSet<UInt128> seen, UInt128 digest)
    {
        _pages++;
        if (digest == PageDigest.Zero)
        {
            _zeroPages++;
        }
        else if (!seen.Add(digest))
        {
            _duplicatePages++;
        }
    }
}

/// <summary>Takes note of the pages that a guest loads.</summary>
internal interface IPageTally
{
    /// <summary>Counts whole pages of a guest in a share domain, in the guest's order.</summary>
    void Add(string domain, ReadOnlySpan<byte> pages);
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

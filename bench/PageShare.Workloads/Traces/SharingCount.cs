namespace PageShare.Workloads.Traces;

/// <summary>
/// What exact sharing saves, kept up to date page by page: how many pages have each content, and from that how many
/// could be done without.
/// </summary>
/// <remarks>Not thread-safe. Each change is one or two additions, however much memory there is.</remarks>
internal sealed class SharingCount
{
    private readonly int[] _pagesOf;

    /// <param name="contents">Contents that there are; their numbers are below.</param>
    public SharingCount(int contents) => _pagesOf = new int[contents];

    /// <summary>Pages counted.</summary>
    public long Pages { get; private set; }

    /// <summary>Of these, pages of zeros.</summary>
    public long ZeroPages => _pagesOf[TraceContents.Zero];

    /// <summary>Of these, pages beyond the first of their content, zeros apart.</summary>
    public long DuplicatePages { get; private set; }

    /// <summary>Pages that need no memory: duplicates and zeros.</summary>
    public long SavedPages => DuplicatePages + ZeroPages;

    /// <summary>How many pages have a content now.</summary>
    public int PagesOf(int content) => _pagesOf[content];

    /// <summary>Counts a page.</summary>
    public void Add(int content)
    {
        Pages++;
        if (_pagesOf[content]++ > 0 && content != TraceContents.Zero)
        {
            DuplicatePages++;
        }
    }

    /// <summary>Counts a page no more.</summary>
    /// <exception cref="InvalidOperationException">No page has that content.</exception>
    public void Remove(int content)
    {
        if (_pagesOf[content] == 0)
        {
            throw new InvalidOperationException($"No page is counted with content {content}.");
        }

        Pages--;
        if (--_pagesOf[content] > 0 && content != TraceContents.Zero)
        {
            DuplicatePages--;
        }
    }

    /// <summary>Counts pages.</summary>
    public void Add(ReadOnlySpan<int> contents)
    {
        foreach (var content in contents)
        {
            Add(content);
        }
    }
}

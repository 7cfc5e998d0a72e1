namespace PageShare.Cli.Scan.Layout;

/// <summary>The contents with most pages, of all that are offered; of equal ones the earlier. Not thread-safe.</summary>
internal sealed class CommonContents
{
    private const int Most = 10;

    private readonly List<(long Content, long Pages)> _commonest = new(Most + 1);

    /// <summary>The commonest first.</summary>
    public IReadOnlyList<(long Content, long Pages)> Commonest => _commonest;

    /// <summary>Offers a content, once.</summary>
    public void Offer(long content, long pages)
    {
        // Nearly all that are offered are passed over here.
        if (_commonest.Count == Most && pages < _commonest[^1].Pages)
        {
            return;
        }

        int place = _commonest.FindIndex(
            other => pages > other.Pages || (pages == other.Pages && content < other.Content));
        _commonest.Insert(place < 0 ? _commonest.Count : place, (content, pages));
        if (_commonest.Count > Most)
        {
            _commonest.RemoveAt(Most);
        }
    }
}

namespace PageShare.TestKit;

/// <summary>Counts contents of pages exactly: a dictionary of whole pages, compared byte for byte.</summary>
public sealed class DistinctPages
{
    private readonly Dictionary<ReadOnlyMemory<byte>, long> _users = new(new ByBytes());

    /// <summary>Pages added.</summary>
    public long Pages { get; private set; }

    /// <summary>Of these, pages that are all zero.</summary>
    public long Zero { get; private set; }

    /// <summary>Different contents, the one of zeros not counted.</summary>
    public long Distinct => _users.Count;

    /// <summary>Contents that more than one page has, the one of zeros not counted.</summary>
    public long Duplicated => _users.Values.LongCount(static users => users > 1);

    /// <summary>Pages that need not be in memory: zero pages, and all but the first of each content.</summary>
    public long Saveable => Pages - Distinct;

    /// <summary>Counts one page; the memory must not change as long as this counts.</summary>
    public void Add(ReadOnlyMemory<byte> page)
    {
        Pages++;
        if (page.Span.ContainsAnyExcept((byte)0))
        {
            _users[page] = _users.GetValueOrDefault(page) + 1;
        }
        else
        {
            Zero++;
        }
    }

    /// <summary>Counts all pages of an image; it must not change as long as this counts.</summary>
    public void AddAll(ReadOnlyMemory<byte> image)
    {
        for (var offset = 0; offset < image.Length; offset += PageContent.Bytes)
        {
            Add(image.Slice(offset, PageContent.Bytes));
        }
    }

    private sealed class ByBytes : IEqualityComparer<ReadOnlyMemory<byte>>
    {
        public bool Equals(ReadOnlyMemory<byte> left, ReadOnlyMemory<byte> right) =>
            left.Span.SequenceEqual(right.Span);

        public int GetHashCode(ReadOnlyMemory<byte> page)
        {
            var hash = default(HashCode);
            hash.AddBytes(page.Span);
            return hash.ToHashCode();
        }
    }
}

using PageShare.TestKit;

namespace PageShare.IsolationTests.Attached;

/// <summary>
/// Two threads that write a guest's pages over and over, each half of them, with few contents so that much is equal,
/// and look each time whether a page still is what they wrote last.
/// </summary>
internal sealed class PageWriters : IDisposable
{
    /// <summary>Contents that the writers choose from: <see cref="PageContent.Unique"/> of 1 up to this.</summary>
    public const int Contents = 3;

    private readonly MappedGuest _guest;
    private readonly int _pages;
    private readonly Thread[] _threads;
    private volatile bool _isEnding;
    private long _wrong;
    private long _writes;

    public PageWriters(MappedGuest guest, int pages)
    {
        _guest = guest;
        _pages = pages;
        _threads = [.. Enumerable.Range(0, 2).Select(part => new Thread(() => Run(part)) { IsBackground = true })];
        Array.ForEach(_threads, static thread => thread.Start());
    }

    /// <summary>Writes so far.</summary>
    public long Writes => Interlocked.Read(ref _writes);

    /// <summary>Ends the writers; how often a page was not what it should be.</summary>
    public long End()
    {
        Dispose();
        return Interlocked.Read(ref _wrong);
    }

    public void Dispose()
    {
        _isEnding = true;
        Array.ForEach(_threads, static thread => thread.Join());
    }

    private void Run(int part)
    {
        var random = new Random(Seeds.Seed + part);
        var last = new long[_pages]; // 0: zero, as new memory is
        while (!_isEnding)
        {
            var page = (random.Next(_pages / 2) * 2) + part;
            var bytes = _guest.AsSpan(page * PageContent.Bytes, PageContent.Bytes);
            if (!new PageContent(last[page]).IsIn(bytes))
            {
                Interlocked.Increment(ref _wrong);
            }

            last[page] = random.Next(1, Contents + 1);
            new PageContent(last[page]).WriteTo(bytes);
            Interlocked.Increment(ref _writes);
        }
    }
}

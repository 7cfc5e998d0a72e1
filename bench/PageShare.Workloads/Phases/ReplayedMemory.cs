using PageShare.Memory;
using PageShare.Workloads.Guests;
using PageShare.Workloads.Traces;

namespace PageShare.Workloads.Phases;

/// <summary>
/// The guests' memory, and beside it, page by page, what exact sharing would save of it at every moment, and what would
/// be left of the first convergence.
/// </summary>
/// <remarks>
/// One thread writes. <see cref="Counts"/> may be asked for by any. The guests belong to the host, which must live as
/// long.
/// </remarks>
internal sealed class ReplayedMemory
{
    private const int PagesAtOnce = 256;

    private readonly IMemoryTrace _trace;
    private readonly TraceContents _contents;
    private readonly MappedGuest[] _guests;
    private readonly int[][] _now;
    private readonly byte[] _buffer = new byte[PagesAtOnce * PageSize.Bytes];
    private readonly Lock _gate = new();
    private readonly SharingCount _count; // guard: gate
    private SharingCount? _untouched;     // guard: gate
    private bool[][] _written = [];       // guard: gate
    private long _pagesWritten;           // guard: gate

    /// <summary>Makes the guests and loads them with their idle memory.</summary>
    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    public ReplayedMemory(
        IGuestHost host, IMemoryTrace trace, TraceContents contents, FaultMode mode, CancellationToken stop)
    {
        _trace = trace;
        _contents = contents;
        _count = new SharingCount(contents.Count);
        _guests = new MappedGuest[contents.Guests];
        _now = new int[contents.Guests][];
        for (var guest = 0; guest < _guests.Length; guest++)
        {
            var pages = trace.PagesOf(guest);
            _guests[guest] = host.Create(trace.Guests[guest], (long)pages * PageSize.Bytes, mode);
            Load(guest, pages, stop);
            _now[guest] = contents[guest, Moment.Idle].ToArray();
            _count.Add(_now[guest]);
        }
    }

    /// <summary>The exact figures now.</summary>
    public ReplayCounts Counts
    {
        get
        {
            lock (_gate)
            {
                return new ReplayCounts(
                    _count.Pages, _count.ZeroPages, _count.SavedPages, _untouched?.SavedPages, _pagesWritten);
            }
        }
    }

    /// <summary>From now on the figure without rescans is kept: what is shared now stays so until it is
    /// written.</summary>
    public void MarkConverged()
    {
        lock (_gate)
        {
            _written = [.. _now.Select(static pages => new bool[pages.Length])];
            _untouched = new SharingCount(_contents.Count);
            Array.ForEach(_now, pages => _untouched.Add(pages));
        }
    }

    /// <summary>Writes the whole of a page as it is at a moment, if that differs from what it holds.</summary>
    public void Write(PageOfGuest page, Moment moment)
    {
        var content = _contents[page.Guest, moment][page.Page];
        var before = _now[page.Guest][page.Page];
        if (content == before)
        {
            return;
        }

        var bytes = _buffer.AsSpan(0, PageSize.Bytes);
        _trace.Read(page.Guest, moment, page.Page, bytes);
        bytes.CopyTo(_guests[page.Guest].AsSpan((long)page.Page * PageSize.Bytes, PageSize.Bytes));
        lock (_gate)
        {
            _count.Remove(before);
            _count.Add(content);
            _now[page.Guest][page.Page] = content;
            _pagesWritten++;
            if (_untouched is not null && !_written[page.Guest][page.Page])
            {
                _written[page.Guest][page.Page] = true;
                _untouched.Remove(before);
            }
        }
    }

    /// <summary>Compares every byte with the trace; the first page that differs, or null.</summary>
    /// <param name="moment">Of each page, the moment that it should be of.</param>
    /// <param name="stop">Ends it early, as if nothing differed.</param>
    public PageOfGuest? FindDifference(Func<PageOfGuest, Moment> moment, CancellationToken stop)
    {
        var expected = _buffer.AsSpan(0, PageSize.Bytes);
        for (var guest = 0; guest < _guests.Length; guest++)
        {
            for (var page = 0; page < _now[guest].Length && !stop.IsCancellationRequested; page++)
            {
                var place = new PageOfGuest(guest, page);
                _trace.Read(guest, moment(place), page, expected);
                if (!_guests[guest].AsSpan((long)page * PageSize.Bytes, PageSize.Bytes).SequenceEqual(expected))
                {
                    return place;
                }
            }
        }

        return null;
    }

    /// <summary>Every page is written, zeros too: a guest believes to have it all.</summary>
    private void Load(int guest, int pages, CancellationToken stop)
    {
        for (var first = 0; first < pages; first += PagesAtOnce)
        {
            stop.ThrowIfCancellationRequested();
            var bytes = Math.Min(PagesAtOnce, pages - first) * PageSize.Bytes;
            _trace.Read(guest, Moment.Idle, first, _buffer.AsSpan(0, bytes));
            _buffer.AsSpan(0, bytes).CopyTo(_guests[guest].AsSpan((long)first * PageSize.Bytes, bytes));
        }
    }
}

/// <summary>Exact figures of the guests' memory.</summary>
/// <param name="Pages">All pages.</param>
/// <param name="ZeroPages">Of these, pages of zeros.</param>
/// <param name="OptimumPages">What exact sharing saves of them.</param>
/// <param name="UntouchedPages">What it saves of those alone that were not written since the first convergence; null
/// before it.</param>
/// <param name="PagesWritten">Writes since the load.</param>
internal readonly record struct ReplayCounts(
    long Pages, long ZeroPages, long OptimumPages, long? UntouchedPages, long PagesWritten);

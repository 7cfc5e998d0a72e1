using PageShare.Memory;
using PageShare.Workloads.Traces;

namespace PageShare.Workloads.Guests;

/// <summary>Guests that hold what a trace's held at one moment.</summary>
/// <remarks>They belong to the host, which must live as long.</remarks>
internal sealed class LoadedGuests
{
    private const int PagesAtOnce = 256;

    private readonly Contents _contents;
    private readonly List<MappedGuest> _guests = [];

    /// <summary>Makes the guests and writes all their pages, zeros too: a guest believes to have it all.</summary>
    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    public LoadedGuests(IGuestHost host, Contents contents, FaultMode mode, CancellationToken stop)
    {
        _contents = contents;
        var buffer = new byte[PagesAtOnce * PageSize.Bytes];
        for (var guest = 0; guest < contents.Numbers.Guests; guest++)
        {
            var pages = contents.Trace.PagesOf(guest);
            var memory = host.Create(contents.Trace.Guests[guest], (long)pages * PageSize.Bytes, mode);
            for (var first = 0; first < pages; first += PagesAtOnce)
            {
                stop.ThrowIfCancellationRequested();
                var bytes = Math.Min(PagesAtOnce, pages - first) * PageSize.Bytes;
                contents.Trace.Read(guest, contents.Moment, first, buffer.AsSpan(0, bytes));
                buffer.AsSpan(0, bytes).CopyTo(memory.AsSpan((long)first * PageSize.Bytes, bytes));
            }

            _guests.Add(memory);
        }
    }

    /// <summary>The guests.</summary>
    public IReadOnlyList<MappedGuest> All => _guests;

    /// <summary>One of them.</summary>
    public MappedGuest this[int guest] => _guests[guest];

    /// <summary>Compares every byte with the trace: what is wrong, in words, or null.</summary>
    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    public string? FindDifference(CancellationToken stop)
    {
        var expected = new byte[PageSize.Bytes];
        for (var guest = 0; guest < _guests.Count; guest++)
        {
            for (var page = 0; page < _contents.Trace.PagesOf(guest); page++)
            {
                stop.ThrowIfCancellationRequested();
                _contents.Trace.Read(guest, _contents.Moment, page, expected);
                if (!_guests[guest].AsSpan((long)page * PageSize.Bytes, PageSize.Bytes).SequenceEqual(expected))
                {
                    return $"page {page} of {_contents.Trace.Guests[guest]} does not hold what was loaded";
                }
            }
        }

        return null;
    }
}

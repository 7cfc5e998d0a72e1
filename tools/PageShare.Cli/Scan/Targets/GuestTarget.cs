using PageShare.Host;
using PageShare.Platform.Linux;

namespace PageShare.Cli.Scan.Targets;

/// <summary>
/// A guest of a running host: its pages in memory of its own, and those in frames, each frame once. Read from the memory
/// objects themselves; the host is asked for them, and does nothing else.
/// </summary>
/// <remarks>
/// Guest and host go on meanwhile. A page that is merged between counting and its frame's turn counts twice, as with
/// processes; nothing is ever taken for a page that it is not. Once opened, it can be read to its end even if the host
/// ends.
/// </remarks>
/// <param name="name">As given, or from <see cref="HostAddress.Guests"/>.</param>
/// <param name="host">The guest.</param>
/// <param name="seen">Frames that were counted, shared by all targets of a scan.</param>
/// <param name="eachPage">Whether each page counts, as if none were shared yet.</param>
internal sealed class GuestTarget(string name, HostAddress host, SharedMemory seen, bool eachPage) : ScanTarget(name)
{
    private const int PlacesAtOnce = 8192;

    private readonly PagePlace[] _places = new PagePlace[PlacesAtOnce];
    private HostedMemory? _memory;
    private long _sharesFrame;
    private long _freedZeros;
    private long _inProcess;
    private long _unknownStore;
    private long _gone;

    /// <inheritdoc/>
    public override string Kind => "guest";

    /// <inheritdoc/>
    public override long AlreadySharedPages => _sharesFrame + _freedZeros;

    /// <inheritdoc/>
    public override IEnumerable<string> Notes
    {
        get
        {
            if (_freedZeros > 0)
            {
                yield return $"{Quantity.Count(_freedZeros)} of the pages shared already are zero and take no memory.";
            }

            if (_inProcess > 0)
            {
                yield return $"{Quantity.Count(_inProcess)} pages were not read: they were written since they were "
                    + "shared, and the kernel's copies lie in the guest's process until the host brings them home.";
            }

            if (_gone > 0)
            {
                yield return $"{Quantity.Count(_gone)} pages changed their place faster than they could be read.";
            }
        }
    }

    /// <inheritdoc/>
    public override IEnumerable<PageRange> Ranges()
    {
        _memory = host.Open();
        bool startsRegion = true;
        long absent = 0;
        foreach ((long first, long pages, bool counts) in Stretches(WhichCount(_memory)))
        {
            if (!counts)
            {
                absent += pages;
                continue;
            }

            yield return PageRange.Whole(first * Quantity.PageBytes, pages) with
            {
                StartsRegion = startsRegion,
                AbsentBefore = absent,
            };
            startsRegion = false;
            absent = 0;
        }

        if (absent > 0)
        {
            yield return PageRange.Whole(0, 0) with { StartsRegion = startsRegion, AbsentBefore = absent };
        }

        if (_unknownStore > 0)
        {
            throw new TargetException(
                $"went to another host while it was read: {Quantity.Count(_unknownStore)} pages were not counted. Scan "
                + "it again.");
        }
    }

    /// <inheritdoc/>
    public override ulong Read(in PageRange range, Span<byte> buffer)
    {
        ulong gone = _memory!.Read(range.Offset / Quantity.PageBytes, buffer);
        if (gone != 0)
        {
            Interlocked.Add(ref _gone, long.PopCount((long)gone));
        }

        return gone;
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _memory?.Dispose();
        base.Dispose();
    }

    /// <summary>Page by page, whether it counts.</summary>
    private IEnumerable<bool> WhichCount(HostedMemory memory)
    {
        for (long start = 0; start < memory.Pages; start += PlacesAtOnce)
        {
            int count = (int)Math.Min(PlacesAtOnce, memory.Pages - start);
            memory.Locate(start, _places.AsSpan(0, count));
            for (int i = 0; i < count; i++)
            {
                yield return Counts(memory, _places[i]);
            }
        }
    }

    private bool Counts(HostedMemory memory, PagePlace place)
    {
        switch (place.Kind)
        {
            case PlaceKind.InBacking:
                return true;
            case PlaceKind.InStore:
                return CountsFrame(memory, place);
            case PlaceKind.FreedZero when eachPage:
                return true;
            case PlaceKind.FreedZero:
                _freedZeros++;
                return false;
            case PlaceKind.InProcess:
                _inProcess++;
                return false;
            default:
                return false;
        }
    }

    private bool CountsFrame(HostedMemory memory, PagePlace place)
    {
        if (!memory.Stores.TryGetValue(place.Generation, out FileIdentity store))
        {
            _unknownStore++;
            return false;
        }

        if (eachPage || seen.AddPage(store.Device, store.Inode, place.Frame))
        {
            return true;
        }

        _sharesFrame++;
        return false;
    }
}

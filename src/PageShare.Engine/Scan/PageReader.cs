using PageShare.Content;
using PageShare.Memory;
using PageShare.Merge;
using PageShare.Platform;

namespace PageShare.Scan;

/// <summary>Reads pages on all threads of the scanner, and keeps what their bytes told until it is asked for.</summary>
/// <remarks>
/// <para>Where there are several threads, pages of the stretches further on are read as well, while the scanner is at
/// the first. What is kept of them, a hash, may be out of date when their turn comes. That is harmless, for the reason
/// that makes any hash harmless. It was made after the kernel's marks were taken, so if the page is written later, it
/// is marked, and the next pass reads it again. (A device leaves no mark, but taking the page for it does.) Until then
/// the hash is a guess like all others, and the comparison under seal decides. When the marks are taken anew, what was
/// read before may have been written without being marked any more, so it is forgotten.</para>
/// <para>Memory is read between <see cref="BeginReading"/> and <see cref="Stop"/> alone, and the engine's lock is held all
/// that time: see <see cref="ScanTeam"/>. What is kept after that is numbers. No page that is listed loses its memory in
/// between either, or reading would give it memory again: pages are merged after <see cref="Stop"/>, and what else is done
/// under the lock concerns pages that share, which are never listed. Guard: the engine's lock.</para>
/// </remarks>
internal sealed class PageReader
{
    // Pages that a thread reads before it asks for more: some microseconds.
    private const int PartPages = 32;

    // Pages asked for ahead of the one that is read. With none, or one, reading waits for memory at each page's start.
    private const int PrefetchDistance = 2;

    // 8 MiB, less than a millisecond of CPU time: as long may the engine's lock be held, and the scanner exceed its budget.
    private const int StretchesOfMany = 4;

    private readonly IPageHasher _hasher;
    private readonly ScanTeam _team;
    private readonly uint _zeroHash;
    private readonly Action<int> _readPart;

    // By page behind the first; and which pages these are that shall be read.
    private readonly PageDigest[] _digests;
    private readonly ushort[] _places;
    private int _count;
    private int _finished; // of these, pages that were waited for
    private TeamWork? _work; // while pages are read
    private GuestRegion? _region;
    private PageNumber _first;
    private long _marks;

    /// <param name="hasher">Hashes pages.</param>
    /// <param name="team">The threads.</param>
    /// <param name="zeroHash">What the hasher makes of zeros.</param>
    public PageReader(IPageHasher hasher, ScanTeam team, uint zeroHash)
    {
        _hasher = hasher;
        _team = team;
        _zeroHash = zeroHash;
        _readPart = ReadPart;
        MostPages = (team.Threads == 1 ? 1 : StretchesOfMany) * Shim.OrderPages;
        _digests = new PageDigest[MostPages];
        _places = new ushort[MostPages];
    }

    /// <summary>Whether pages further on are read as well; immutable.</summary>
    public bool ReadsAhead => _team.Threads > 1;

    /// <summary>Most pages from the first to the last of what is read at a time; immutable.</summary>
    public int MostPages { get; }

    /// <summary>Whether there are pages left to begin with that others read.</summary>
    public bool IsReading => _work is { HasMore: true };

    /// <summary>Whether pages behind this one are listed and not given up: what is missing before them is better read at
    /// once than listed anew with all of them.</summary>
    public bool IsReadingBeyond(GuestRegion region, PageNumber page) =>
        _work is not null && region == _region && _count > 0 && _first + _places[_count - 1] > page;

    /// <summary>Reads one page, on the calling thread.</summary>
    public PageDigest ReadNow(GuestRegion region, PageNumber page) => DigestOf(region.Backing.ReadPage(page));

    /// <summary>Begins to list pages, in ascending order. What was kept is forgotten.</summary>
    /// <param name="region">Whose pages.</param>
    /// <param name="first">The first that may be listed.</param>
    public void Begin(GuestRegion region, PageNumber first)
    {
        Stop();
        Array.Clear(_digests);
        _count = _finished = 0;
        (_region, _first, _marks) = (region, first, region.Written.TimesTaken);
    }

    /// <summary>Lists a page, which has memory.</summary>
    public void Add(PageNumber page) => _places[_count++] = (ushort)(page - _first);

    /// <summary>Begins to read the listed pages, if there are others to do it; one thread alone reads them when it is asked
    /// to finish.</summary>
    public void BeginReading() => _work = !ReadsAhead ? null : _team.Begin(PartsOf(_count), _readPart);

    /// <summary>Ends reading; what was read is kept.</summary>
    public void Stop()
    {
        _work?.End();
        _work = null;
        _finished = _count; // whatever is left: the guest may go now
    }

    /// <summary>Reads the listed pages up to one, or waits for who reads them.</summary>
    public void Finish(PageNumber last)
    {
        var before = _finished;
        while (_finished < _count && _first + _places[_finished] <= last)
        {
            _finished++;
        }

        if (!ReadsAhead)
        {
            Read(before, _finished);
        }

        _work?.Finish(PartsOf(_finished));
    }

    /// <summary>What the page's bytes told; once, and none if it was not read since the marks were taken.</summary>
    public PageDigest Take(GuestRegion region, PageNumber page)
    {
        var place = page - _first;
        if (region != _region || _marks != region.Written.TimesTaken || place < 0 || place >= MostPages)
        {
            return default;
        }

        var digest = _digests[place];
        _digests[place] = default;
        return digest;
    }

    private static int PartsOf(int pages) => (pages + PartPages - 1) / PartPages;

    private void ReadPart(int part) => Read(part * PartPages, Math.Min((part + 1) * PartPages, _count));

    private void Read(int from, int end)
    {
        if (from == end)
        {
            return;
        }

        var backing = _region!.Backing;
        for (var i = from; i < end; i++)
        {
            if (i + PrefetchDistance < _count)
            {
                backing.Prefetch(_first + _places[i + PrefetchDistance]);
            }

            _digests[_places[i]] = DigestOf(backing.ReadPage(_first + _places[i]));
        }
    }

    private PageDigest DigestOf(ReadOnlySpan<byte> bytes)
    {
        var isZero = ZeroPage.IsZero(bytes);
        return new PageDigest(IsRead: true, isZero, isZero ? _zeroHash : _hasher.Hash(bytes));
    }
}

/// <summary>What the bytes of a page told, if they were read.</summary>
internal readonly record struct PageDigest(bool IsRead, bool IsZero, uint Hash)
{
    /// <summary>It need not be read.</summary>
    public static PageDigest NotNeeded => new(IsRead: false, IsZero: false, uint.MaxValue);
}

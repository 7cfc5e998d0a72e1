using PageShare.Cli.Traces;
using PageShare.Content;
using PageShare.Memory;
using PageShare.Merge;

namespace PageShare.Cli.Tune.Simulation;

/// <summary>One guest's pages: what they hold, and what the scanner knows of them.</summary>
/// <remarks>
/// <see cref="Records"/> are the engine's own. What the engine asks the kernel and the page words, whether a page was
/// written, is a hole or has broken, are bits here. Not thread-safe.
/// </remarks>
internal sealed class SimulatedRegion : IDisposable
{
    /// <summary>Pages of a stretch, the unit of scanning.</summary>
    public const int StretchPages = GuestPages.ChunkPages;

    private const int BitsPerWord = 64;
    private const int WordsPerStretch = StretchPages / BitsPerWord;

    private readonly int[] _contents;

    // Written since the scanner last looked, and since it last asked which pages were.
    private readonly ulong[] _written;
    private readonly ulong[] _marked;

    // Holes: zero, and without memory. Broken: recorded as sharing, and written since.
    private readonly ulong[] _holes;
    private readonly ulong[] _broken;
    private readonly StretchBits[] _stretches;
    private readonly ushort[] _boundaries;
    private readonly bool[] _mustRecount;
    private readonly bool _isKernelMode;
    private bool _holesMayBeFilled = true;
    private int _brokenPages;

    /// <param name="pages">Its pages.</param>
    /// <param name="firstPageId">Number of its first page among those of all guests.</param>
    /// <param name="options">The engine's settings.</param>
    public SimulatedRegion(int pages, uint firstPageId, EngineOptions options)
    {
        Pages = pages;
        FirstPageId = firstPageId;
        _isKernelMode = options.FaultMode == FaultMode.Kernel;
        AreMarksKnown = options.TrackWrites;
        Records = new PageRecords(pages);
        _contents = new int[pages];
        Array.Fill(_contents, Contents.Absent);
        int words = ((pages / StretchPages) + 1) * WordsPerStretch;
        _written = new ulong[words];
        _marked = new ulong[words];
        _holes = new ulong[words];
        _broken = new ulong[words];
        _stretches = new StretchBits[(pages / StretchPages) + 1];
        _boundaries = new ushort[(pages / StretchPages) + 1];
        _boundaries[0] = 1;
        _mustRecount = new bool[_boundaries.Length];
    }

    [Flags]
    private enum StretchBits : byte
    {
        Settled = 1,
        HasHoles = 2,
        Unfinished = 4,
    }

    /// <summary>Its pages.</summary>
    public int Pages { get; }

    /// <summary>Number of its first page among those of all guests.</summary>
    public uint FirstPageId { get; }

    /// <summary>What the scanner remembers.</summary>
    public PageRecords Records { get; }

    /// <summary>Whether written pages are told; if not, every page counts as written.</summary>
    public bool AreMarksKnown { get; }

    /// <summary>Pages that were ever written.</summary>
    public int Populated { get; private set; }

    /// <summary>Pages that are holes now.</summary>
    public int Holes { get; private set; }

    /// <summary>Pages that show a frame now.</summary>
    public int Sharing { get; private set; }

    /// <summary>Mappings, as last counted.</summary>
    public long Mappings { get; private set; } = 1;

    /// <summary>Content of a page.</summary>
    public int ContentOf(int page) => _contents[page];

    /// <summary>Whether a page shows a frame now.</summary>
    public bool ShowsFrame(int page) => KindOf(page) == PageKind.Sharing && !Has(_broken, page);

    /// <summary>Whether a page is recorded as sharing, and was written since.</summary>
    public bool IsBroken(int page) => Has(_broken, page);

    /// <summary>Whether a page has memory, for all that the kernel says.</summary>
    public bool IsResident(int page) => _contents[page] != Contents.Absent && !Has(_holes, page);

    /// <summary>What is recorded of a page.</summary>
    public PageKind KindOf(int page) => Records.KindOf(new PageNumber(page));

    /// <summary>Whether a page counts as written.</summary>
    public bool IsWritten(int page) => !AreMarksKnown || Has(_written, page);

    /// <summary>A page is being looked at.</summary>
    public void ClearWritten(int page) => _written[page / BitsPerWord] &= ~BitOf(page);

    /// <summary>There is more to be done in a page's stretch.</summary>
    public void MarkUnsettled(int page)
    {
        ref StretchBits stretch = ref _stretches[page / StretchPages];
        stretch = (stretch & ~StretchBits.Settled) | StretchBits.Unfinished;
    }

    /// <summary>A page has no memory.</summary>
    public void MarkHole(int page) => _stretches[page / StretchPages] |= StretchBits.HasHoles;

    /// <summary>A look at a stretch begins.</summary>
    public void BeginStretch(int first) => _stretches[first / StretchPages] = 0;

    /// <summary>All of a stretch was looked at.</summary>
    public void EndStretch(int page)
    {
        ref StretchBits stretch = ref _stretches[page / StretchPages];
        stretch |= stretch.HasFlag(StretchBits.Unfinished) ? 0 : StretchBits.Settled;
    }

    /// <summary>The guest stores to a page.</summary>
    /// <param name="page">The page.</param>
    /// <param name="content">What it holds then.</param>
    /// <param name="before">What it held.</param>
    /// <param name="isFirst">Whether it is the first store to the page since marks were taken.</param>
    /// <returns>Whether the store broke sharing.</returns>
    public bool Store(int page, int content, out int before, out bool isFirst)
    {
        before = _contents[page];
        Populated += before == Contents.Absent ? 1 : 0;
        _contents[page] = content;
        isFirst = !Has(_marked, page);
        bool breaks = ShowsFrame(page);
        Sharing -= breaks ? 1 : 0;
        Holes -= Has(_holes, page) ? 1 : 0;
        _holes[page / BitsPerWord] &= ~BitOf(page);
        _marked[page / BitsPerWord] |= BitOf(page);
        if (breaks)
        {
            _broken[page / BitsPerWord] |= BitOf(page);
            _brokenPages++;
            MappingsChangeAt(page);
        }

        return breaks;
    }

    /// <summary>A pass over the region begins: takes the marks of written pages.</summary>
    public void TakeMarks()
    {
        for (int word = 0; word < _marked.Length; word++)
        {
            _written[word] |= _marked[word];
        }

        Array.Clear(_marked);

        // Copies that the kernel made lie beside the backing, whose blocks are what is compared.
        int copies = _isKernelMode ? _brokenPages : 0;
        _holesMayBeFilled = Populated - Sharing - Holes - copies != Records.HashedPages;
    }

    /// <summary>Whether nothing has happened in the stretch that begins at a page.</summary>
    public bool CanPassOver(int first)
    {
        StretchBits stretch = _stretches[first / StretchPages];
        if (!AreMarksKnown || !stretch.HasFlag(StretchBits.Settled)
            || (_holesMayBeFilled && stretch.HasFlag(StretchBits.HasHoles)))
        {
            return false;
        }

        return _written.AsSpan(first / BitsPerWord, WordsPerStretch).IndexOfAnyExcept(0UL) < 0;
    }

    /// <summary>A page is freed, having been found zero.</summary>
    public void BecomeHole(int page)
    {
        Holes += Has(_holes, page) ? 0 : 1;
        _holes[page / BitsPerWord] |= BitOf(page);
        Records.SetZero(new PageNumber(page));
        MarkHole(page);
    }

    /// <summary>A page shows a frame from now on.</summary>
    public void BecomeSharing(int page, FrameNumber frame)
    {
        Sharing++;
        Records.SetSharing(new PageNumber(page), frame);
        MappingsChangeAt(page);
    }

    /// <summary>A page has memory of its own again, and the books know.</summary>
    public void BecomePrivate(int page)
    {
        Sharing -= ShowsFrame(page) ? 1 : 0;
        ClearBroken(page);
        _marked[page / BitsPerWord] |= BitOf(page);
        Records.SetPrivate(new PageNumber(page));
        MappingsChangeAt(page);
        Records.RaiseBackOff(new PageNumber(page));
    }

    /// <summary>Mode Kernel: a copy that is equal to its frame again is dropped.</summary>
    public void DropCopy(int page)
    {
        ClearBroken(page);
        Sharing++;
    }

    /// <summary>Counts the mappings of a stretch anew.</summary>
    /// <param name="page">Any page of it.</param>
    /// <param name="budget">Is told.</param>
    public void Recount(int page, MappingBudget budget)
    {
        if (!_mustRecount[page / StretchPages])
        {
            return;
        }

        _mustRecount[page / StretchPages] = false;
        int first = page / StretchPages * StretchPages;
        int boundaries = first == 0 ? 1 : 0;
        uint? before = first == 0 ? null : FrameMappedBy(first - 1);
        for (int i = first; i < Math.Min(first + StretchPages, Pages); i++)
        {
            uint? frame = FrameMappedBy(i);
            boundaries += i > 0 && !MappingBudget.GoesOn(before, frame) ? 1 : 0;
            before = frame;
        }

        Mappings += budget.Recount(ref _boundaries[page / StretchPages], boundaries);
    }

    /// <summary>Mappings that begin in the stretch of a page, as last counted.</summary>
    public int BoundariesOf(int page) => _boundaries[page / StretchPages];

    /// <inheritdoc/>
    public void Dispose() => Records.Dispose();

    private static ulong BitOf(int page) => 1UL << (page % BitsPerWord);

    private static bool Has(ulong[] bits, int page) => (bits[page / BitsPerWord] & BitOf(page)) != 0;

    /// <summary>A page begins or ceases to show a frame, which the next stretch's first page feels too.</summary>
    private void MappingsChangeAt(int page)
    {
        _mustRecount[page / StretchPages] = true;
        _mustRecount[Math.Min(page + 1, Pages - 1) / StretchPages] = true;
    }

    private void ClearBroken(int page)
    {
        _brokenPages -= Has(_broken, page) ? 1 : 0;
        _broken[page / BitsPerWord] &= ~BitOf(page);
    }

    /// <summary>A copy that the kernel made leaves the mapping as it is.</summary>
    private uint? FrameMappedBy(int page) =>
        KindOf(page) == PageKind.Sharing && (_isKernelMode || !Has(_broken, page))
            ? Records.FrameOf(new PageNumber(page)).Value
            : null;
}

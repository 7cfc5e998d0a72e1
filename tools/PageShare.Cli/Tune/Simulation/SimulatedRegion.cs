using PageShare.Cli.Traces;
using PageShare.Content;
using PageShare.Memory;
using PageShare.Merge;

namespace PageShare.Cli.Tune.Simulation;

/// <summary>One guest's pages: what they hold, and what the scanner knows of them.</summary>
/// <remarks>
/// <see cref="Records"/> and <see cref="Written"/> are the engine's own. What the engine asks the kernel and the page
/// words, whether a page was stored to, is a hole or has broken, are bits here. Not thread-safe.
/// </remarks>
internal sealed class SimulatedRegion : IDisposable
{
    /// <summary>Pages of a stretch, the unit of scanning.</summary>
    public const int StretchPages = GuestPages.ChunkPages;

    private const int BitsPerWord = 64;
    private const int WordsPerStretch = StretchPages / BitsPerWord;

    private readonly int[] _contents;

    // Stored to since the scanner last asked which pages were.
    private readonly ulong[] _marked;

    // Holes: zero, and without memory. Broken: recorded as sharing, and written since.
    private readonly ulong[] _holes;
    private readonly ulong[] _broken;
    private readonly ushort[] _boundaries;
    private readonly bool[] _mustRecount;
    private readonly bool _isKernelMode;
    private readonly SimulatedStreams _streams;
    private int _brokenPages;

    /// <param name="pages">Its pages.</param>
    /// <param name="firstPageId">Number of its first page among those of all guests.</param>
    /// <param name="options">The engine's settings.</param>
    public SimulatedRegion(int pages, uint firstPageId, EngineOptions options)
    {
        Pages = pages;
        FirstPageId = firstPageId;
        _isKernelMode = options.FaultMode == FaultMode.Kernel;
        _streams = new SimulatedStreams(pages, _isKernelMode ? 1 : options.MaximumBreakPages);
        AreMarksKnown = options.TrackWrites;
        Records = new PageRecords(pages);
        Written = new WrittenPages(pages);
        _contents = new int[pages];
        Array.Fill(_contents, Contents.Absent);
        int words = ((pages / StretchPages) + 1) * WordsPerStretch;
        _marked = new ulong[words];
        _holes = new ulong[words];
        _broken = new ulong[words];
        _boundaries = new ushort[(pages / StretchPages) + 1];
        _boundaries[0] = 1;
        _mustRecount = new bool[_boundaries.Length];
    }

    /// <summary>Its pages.</summary>
    public int Pages { get; }

    /// <summary>Number of its first page among those of all guests.</summary>
    public uint FirstPageId { get; }

    /// <summary>What the scanner remembers.</summary>
    public PageRecords Records { get; }

    /// <summary>Which pages must be looked at.</summary>
    public WrittenPages Written { get; }

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

    /// <summary>How many pages of a stretch have no memory of their own now.</summary>
    public int CountWithoutMemory(int first, int count)
    {
        int without = 0;
        for (int page = first; page < first + count; page++)
        {
            without += ShowsFrame(page) || !IsResident(page) ? 1 : 0;
        }

        return without;
    }

    /// <summary>What is recorded of a page.</summary>
    public PageKind KindOf(int page) => Records.KindOf(new PageNumber(page));

    /// <summary>The guest stores to a page.</summary>
    /// <param name="page">The page.</param>
    /// <param name="content">What it holds then.</param>
    /// <param name="before">What it held.</param>
    /// <param name="isFirst">Whether it is the first store to the page since marks were taken.</param>
    /// <returns>Pages of which the store broke sharing: the page, and some behind it.</returns>
    public int Store(int page, int content, out int before, out bool isFirst)
    {
        before = _contents[page];
        Populated += before == Contents.Absent ? 1 : 0;
        isFirst = !Has(_marked, page);
        int broken = ShowsFrame(page) ? Break(page) : 0;
        _contents[page] = content;
        Holes -= Has(_holes, page) ? 1 : 0;
        _holes[page / BitsPerWord] &= ~BitOf(page);
        _marked[page / BitsPerWord] |= BitOf(page);
        return broken;
    }

    /// <summary>A pass over the region begins: takes the marks of written pages.</summary>
    public void TakeMarks()
    {
        // Copies that the kernel made lie beside the backing, whose blocks are what is compared.
        int copies = _isKernelMode ? _brokenPages : 0;
        Written.Take(_marked, AreMarksKnown, Populated - Sharing - Holes - copies != Records.HashedPages);
        Array.Clear(_marked);
    }

    /// <summary>A page is freed, having been found zero.</summary>
    public void BecomeHole(int page)
    {
        Holes += Has(_holes, page) ? 0 : 1;
        _holes[page / BitsPerWord] |= BitOf(page);
        Records.SetZero(new PageNumber(page));
        Written.MarkHole(new PageNumber(page));
    }

    /// <summary>A page shows a frame from now on.</summary>
    public void BecomeSharing(int page, FrameNumber frame)
    {
        Sharing++;
        Records.SetSharing(new PageNumber(page), frame);
        MappingsChangeAt(page);
    }

    /// <summary>A page has memory of its own again, and the books know. What is mapped anew for that counts as
    /// written.</summary>
    public void BecomePrivate(int page)
    {
        bool isMappedAnew = _isKernelMode || ShowsFrame(page);
        Sharing -= ShowsFrame(page) ? 1 : 0;
        ClearBroken(page);
        _marked[page / BitsPerWord] |= isMappedAnew ? BitOf(page) : 0;
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
    public void Dispose()
    {
        Records.Dispose();
        Written.Dispose();
    }

    private static ulong BitOf(int page) => 1UL << (page % BitsPerWord);

    private static bool Has(ulong[] bits, int page) => (bits[page / BitsPerWord] & BitOf(page)) != 0;

    /// <summary>A store to a shared page: pages behind it break with it, if it looks as if they come next.</summary>
    private int Break(int page)
    {
        int count = 0;
        for (int width = _streams.WidthAt(page); count < width && ShowsFrame(page + count); count++)
        {
            Sharing--;
            _broken[(page + count) / BitsPerWord] |= BitOf(page + count);
            _marked[(page + count) / BitsPerWord] |= BitOf(page + count);
            _brokenPages++;
            MappingsChangeAt(page + count);
        }

        _streams.GoOn(page, count, ShowsFrame);
        return count;
    }

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

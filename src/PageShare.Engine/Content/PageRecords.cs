using System.Runtime.Intrinsics;
using PageShare.Memory;

namespace PageShare.Content;

/// <summary>
/// What the scanner remembers of each page of a region, in five bytes: a hash or a frame, and a status.
/// </summary>
/// <remarks>
/// <code>
///  status     7   6       4 3      2 1    0       value
///           +---+----------+--------+------+      +-------------------------------------------+
///           | u | back-off | stable | kind |      | Hashed: hash, Sharing: frame, else unused |
///           +---+----------+--------+------+      +-------------------------------------------+
/// </code>
/// <para>stable: passes that found the hash unchanged, 0 to 3, saturating. back-off: how often sharing the page proved
/// futile, 0 to 7. u: Hashed, but the hash is not known. That is what a page is when its sharing breaks: populated,
/// private, and to be hashed before anything is said about it. A hash of 0 instead would make the one page in 2^32 that
/// has it look stable after its first look.</para>
/// <para>This is the scanner's opinion, the page word is the truth. Memory is reserved for the region's maximum and
/// committed where pages are looked at. Not thread-safe: guarded by the engine's lock.</para>
/// </remarks>
internal sealed class PageRecords : IDisposable
{
    /// <summary>Bytes that a page costs.</summary>
    public const int BytesPerPage = sizeof(uint) + sizeof(byte);

    /// <summary>Highest count of stable passes.</summary>
    public const int MaximumStablePasses = (1 << (BackOffShift - StableShift)) - 1;

    /// <summary>Highest back-off level.</summary>
    public const int MaximumBackOffLevel = (1 << (UnhashedShift - BackOffShift)) - 1;

    // Pages that have their turn together; see IsBackedOff.
    private const int NeighboursInTurn = 64;

    private const int StableShift = 2;
    private const int BackOffShift = 4;
    private const int UnhashedShift = 7;

    private const int KindMask = (1 << StableShift) - 1;
    private const int StableMask = MaximumStablePasses << StableShift;
    private const int BackOffMask = MaximumBackOffLevel << BackOffShift;
    private const int UnhashedMask = 1 << UnhashedShift;

    private readonly NativeArray<uint> _values;
    private readonly NativeArray<byte> _statuses;

    /// <summary>
    /// Reserves records for <paramref name="reservedPages"/> pages, all <see cref="PageKind.Unseen"/>.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="reservedPages"/> is negative.</exception>
    public PageRecords(long reservedPages)
    {
        _values = NativeArray<uint>.Allocate(reservedPages);
        _statuses = NativeArray<byte>.Allocate(reservedPages);
    }

    /// <summary>Pages that have a record.</summary>
    public long Length => _statuses.Length;

    /// <summary>Bytes reserved, committed or not.</summary>
    public long Bytes => _values.Bytes + _statuses.Bytes;

    /// <summary>Pages that are <see cref="PageKind.Hashed"/>: private, with memory of their own.</summary>
    public long HashedPages { get; private set; }

    /// <summary>What the page is.</summary>
    public PageKind KindOf(PageNumber page) => (PageKind)(_statuses[page.Value] & KindMask);

    /// <summary>Whether any of these pages is of this kind.</summary>
    public bool HasAny(PageKind kind, PageNumber first, int count)
    {
        var statuses = _statuses.Slice(first.Value, count);
        for (; statuses.Length >= Vector256<byte>.Count; statuses = statuses[Vector256<byte>.Count..])
        {
            var kinds = Vector256.Create<byte>(statuses) & Vector256.Create((byte)KindMask);
            if (Vector256.EqualsAny(kinds, Vector256.Create((byte)kind)))
            {
                return true;
            }
        }

        foreach (var status in statuses)
        {
            if ((status & KindMask) == (int)kind)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// The hash of a Hashed page at its last look, 0 when it is not known. See <see cref="TryGetHash"/>.
    /// </summary>
    /// <exception cref="InvalidOperationException">The page is not Hashed.</exception>
    public uint HashOf(PageNumber page)
    {
        Require(page, PageKind.Hashed);
        return _values[page.Value];
    }

    /// <summary>
    /// The hash of the page at its last look. False when it is not Hashed or was not looked at since it broke.
    /// </summary>
    public bool TryGetHash(PageNumber page, out uint hash)
    {
        hash = _values[page.Value];
        return (_statuses[page.Value] & (KindMask | UnhashedMask)) == (int)PageKind.Hashed;
    }

    /// <summary>The frame that a Sharing page uses.</summary>
    /// <exception cref="InvalidOperationException">The page is not Sharing.</exception>
    public FrameNumber FrameOf(PageNumber page)
    {
        Require(page, PageKind.Sharing);
        return new FrameNumber(_values[page.Value]);
    }

    /// <summary>
    /// Passes in a row that found the page's hash unchanged, at most <see cref="MaximumStablePasses"/>.
    /// </summary>
    public int StablePassesOf(PageNumber page) => (_statuses[page.Value] & StableMask) >> StableShift;

    /// <summary>How far the scanner has backed off from the page, at most <see cref="MaximumBackOffLevel"/>.</summary>
    public int BackOffLevelOf(PageNumber page) => (_statuses[page.Value] & BackOffMask) >> BackOffShift;

    /// <summary>Records a look at a private page: it is Hashed now, with this hash.</summary>
    /// <returns>
    /// Passes in a row that found this hash; 0 when it is new, or the first since the page was something else.
    /// </returns>
    public int Observe(PageNumber page, uint hash)
    {
        if (!TryGetHash(page, out var known) || known != hash)
        {
            Set(page, PageKind.Hashed, hash);
            return 0;
        }

        return ObserveUnwritten(page);
    }

    /// <summary>
    /// Records that a Hashed page was not written since its last look, so that its hash is what it was.
    /// </summary>
    /// <returns>As <see cref="Observe"/>.</returns>
    public int ObserveUnwritten(PageNumber page)
    {
        var stable = Math.Min(StablePassesOf(page) + 1, MaximumStablePasses);
        ref var status = ref _statuses[page.Value];
        status = (byte)((status & ~StableMask) | (stable << StableShift));
        return stable;
    }

    /// <summary>The page uses this frame now. Keeps its back-off level.</summary>
    public void SetSharing(PageNumber page, FrameNumber frame) => Set(page, PageKind.Sharing, frame.Value);

    /// <summary>The page is a hole now. Keeps its back-off level.</summary>
    public void SetZero(PageNumber page) => Set(page, PageKind.Zero, 0);

    /// <summary>The page broke: it is Hashed with a hash that nobody knows yet. Keeps its back-off level.</summary>
    public void SetPrivate(PageNumber page)
    {
        Set(page, PageKind.Hashed, 0);
        _statuses[page.Value] |= UnhashedMask;
    }

    /// <summary>Sharing the page was in vain once more.</summary>
    public void RaiseBackOff(PageNumber page) =>
        SetBackOff(page, Math.Min(BackOffLevelOf(page) + 1, MaximumBackOffLevel));

    /// <summary>The page proved worth sharing.</summary>
    public void LowerBackOff(PageNumber page) => SetBackOff(page, Math.Max(BackOffLevelOf(page) - 1, 0));

    /// <summary>Whether this pass leaves the page out because its sharing keeps breaking.</summary>
    /// <remarks>
    /// A first break is forgiven. From level 2 on the page has its turn every 2^(level - 1) passes, which the page
    /// number spreads so that pages that broke together do not all come back in one pass; but neighbours do, since a run
    /// with every other page left out takes a mapping for each of its pages.
    /// </remarks>
    /// <param name="page">The page.</param>
    /// <param name="passNumber">Number of the pass, from 0.</param>
    /// <param name="maximumPasses">Longest time between two turns, in passes; 1 or less turns backing off off.</param>
    public bool IsBackedOff(PageNumber page, long passNumber, int maximumPasses)
    {
        var level = BackOffLevelOf(page);
        if (level < 2)
        {
            return false;
        }

        var period = Math.Max(1, Math.Min(1 << (level - 1), maximumPasses));
        return (passNumber + (page.Value / NeighboursInTurn)) % period != 0;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _values.Dispose();
        _statuses.Dispose();
    }

    // Whatever a page becomes, its stability starts anew and its hash, if it has one, is known.
    private void Set(PageNumber page, PageKind kind, uint value)
    {
        _values[page.Value] = value;
        ref var status = ref _statuses[page.Value];
        HashedPages += (kind == PageKind.Hashed ? 1 : 0) - ((status & KindMask) == (int)PageKind.Hashed ? 1 : 0);
        status = (byte)((status & BackOffMask) | (int)kind);
    }

    private void SetBackOff(PageNumber page, int level)
    {
        ref var status = ref _statuses[page.Value];
        status = (byte)((status & ~BackOffMask) | (level << BackOffShift));
    }

    private void Require(PageNumber page, PageKind kind)
    {
        if (KindOf(page) != kind)
        {
            throw new InvalidOperationException($"{page} is {KindOf(page)}, not {kind}.");
        }
    }
}

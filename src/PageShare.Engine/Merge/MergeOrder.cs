using PageShare.Memory;
using PageShare.Platform;

namespace PageShare.Merge;

/// <summary>
/// One order to merge or to move pages, from the moment that it is filled in until its answer is in the books: at once
/// in this process, perhaps much later for a guest of another. Reused.
/// </summary>
/// <remarks>Guard: the engine's lock.</remarks>
internal sealed class MergeOrder
{
    private readonly uint[] _targets = new uint[Shim.OrderPages];
    private readonly MergeResult[] _results = new MergeResult[Shim.OrderPages];

    /// <summary><see cref="OrderKind.Merge"/> or <see cref="OrderKind.Move"/>.</summary>
    public OrderKind Kind { get; private set; }

    /// <summary>Whose pages.</summary>
    public GuestRegion Region { get; private set; } = null!;

    /// <summary>First page.</summary>
    public PageNumber First { get; private set; }

    /// <summary>Pages.</summary>
    public int Count { get; private set; }

    /// <summary>A target a page.</summary>
    public Span<uint> Targets => _targets.AsSpan(0, Count);

    /// <summary>The answer: a result a page.</summary>
    public Span<MergeResult> Results => _results.AsSpan(0, Count);

    /// <summary>The answer as a whole: 0, or a negative error number, and then nothing was done.</summary>
    public long Result { get; set; }

    /// <summary>Whether it was posted and its answer did not come in time: its frames are counted as used since
    /// then.</summary>
    public bool IsLate { get; set; }

    /// <summary>Begins an order without targets.</summary>
    public void Begin(OrderKind kind, GuestRegion region, PageNumber first, int count)
    {
        Kind = kind;
        Region = region;
        First = first;
        Count = count;
        Result = 0;
        IsLate = false;
        Targets.Fill(Shim.TargetNone);
        Results.Clear();
    }
}

using PageShare.Memory;

namespace PageShare.Merge;

/// <summary>
/// What the merge pipeline asks of the process that a region is mapped in: of the shim in this one, or of a guest's
/// agent through its ring. The one seam between the two: everything above it is the same for both.
/// </summary>
/// <remarks>
/// <para>Another process may be stopped, dead, or hostile. So each order waits within the
/// <see cref="OrderPatience"/> of whoever holds the engine's lock, and what has not been answered by then is
/// <em>late</em>: nothing more is ordered of that region until the answer has come. All pages of a late order keep
/// their frames pinned.</para>
/// <para>Results below zero are negative error numbers, <see cref="Late"/> among them: nothing was done, or nobody
/// knows yet. Guard: the engine's lock.</para>
/// </remarks>
internal unsafe interface IRegionOrders : IDisposable
{
    /// <summary>The result of an order that was not answered in time, or not given since one before it was not: a
    /// negative ETIMEDOUT.</summary>
    const long Late = -110;

    /// <summary>Whether orders can be given now.</summary>
    bool IsReady { get; }

    /// <summary>Whether answers are outstanding.</summary>
    bool IsLate { get; }

    /// <summary>Gives an order to merge or to move, without waiting for it.</summary>
    /// <returns>False when it cannot be given now: not ready, or too many others are under way.</returns>
    bool TryPost(MergeOrder order);

    /// <summary>Waits for the answer of an order that was posted. False: it is late, and comes back by
    /// <see cref="TryTakeLate"/>.</summary>
    bool Await(MergeOrder order);

    /// <summary>Takes an order whose answer came late.</summary>
    bool TryTakeLate(out MergeOrder order);

    /// <summary>Gives pages copies of their own, without waiting for memory.</summary>
    /// <returns>How many pages.</returns>
    long TryBreak(PageNumber first, long count);

    /// <summary>Kernel mode: finds the pages that the kernel has made copies of.</summary>
    /// <param name="first">First page.</param>
    /// <param name="count">How many pages.</param>
    /// <param name="copies">Receives a bit a page, and nothing behind these.</param>
    /// <returns>How many pages.</returns>
    long FindCopies(PageNumber first, long count, Span<ulong> copies);

    /// <summary>Kernel mode: brings the kernel's copies home, or drops those that equal their frames again.</summary>
    /// <param name="first">First page.</param>
    /// <param name="count">How many pages.</param>
    /// <param name="copies">Which of them.</param>
    /// <returns>Pages brought home.</returns>
    long Settle(PageNumber first, int count, ReadOnlySpan<ulong> copies);

    /// <summary>Finds the pages written since it was last asked.</summary>
    /// <param name="pages">Pages of the region.</param>
    /// <param name="written">Their bits are set, those of others stay.</param>
    /// <returns>0 or more; below 0 the marks are not complete.</returns>
    long FindWritten(long pages, ulong* written);
}

using PageShare.Memory;
using PageShare.Platform;

namespace PageShare.Merge;

/// <summary>Orders for a region that is mapped in this process: the shim carries them out at once.</summary>
internal sealed unsafe class LocalOrders(RegionHandle region) : IRegionOrders
{
    /// <inheritdoc/>
    public bool IsReady => true;

    /// <inheritdoc/>
    public bool IsLate => false;

    /// <inheritdoc/>
    public bool TryPost(MergeOrder order)
    {
        // SAFETY: both arrays hold one element a page, and the shim uses them during the call only.
        fixed (uint* targets = order.Targets)
        fixed (MergeResult* results = order.Results)
        {
            var error = Shim.Merge(region, (ulong)order.First.Value, (uint)order.Count, targets, results);
            Shim.Require(
                error, "merging", $"{order.Count} pages from {order.First} of guest '{order.Region.Spec.Name}'");
        }

        return true;
    }

    /// <inheritdoc/>
    public bool Await(MergeOrder order) => true;

    /// <inheritdoc/>
    public bool TryTakeLate(out MergeOrder order)
    {
        order = null!;
        return false;
    }

    /// <inheritdoc/>
    public long TryBreak(PageNumber first, long count) => Shim.TryBreak(region, (ulong)first.Value, (ulong)count);

    /// <inheritdoc/>
    public long FindCopies(PageNumber first, long count, Span<ulong> copies)
    {
        // SAFETY: one bit a page, and the shim writes whole words of 64, which the span holds.
        fixed (ulong* bits = copies)
        {
            return Shim.FindAnonymous(region, (ulong)first.Value, (ulong)count, bits);
        }
    }

    /// <inheritdoc/>
    public long Settle(PageNumber first, int count, ReadOnlySpan<ulong> copies)
    {
        // SAFETY: as above; read only.
        fixed (ulong* bits = copies)
        {
            return Shim.Settle(region, (ulong)first.Value, (uint)count, bits, null);
        }
    }

    /// <inheritdoc/>
    public long FindWritten(long pages, ulong* written) => Shim.FindWritten(region, 0, (ulong)pages, written);

    /// <inheritdoc/>
    public void Dispose()
    {
        // The handle is the region's.
    }
}

using PageShare.Merge;
using PageShare.Platform;

namespace PageShare;

/// <summary>
/// Keeps a range of a guest's memory private and writable, so that I/O may go into it, until it is disposed. See
/// <see cref="Guest.PinWritable"/>.
/// </summary>
/// <remarks>
/// Thread-safe. While a pin is held the memory stays mapped even if its guest is disposed; a pin that is never disposed
/// keeps it for the life of the process.
/// </remarks>
public sealed class WritablePin : IDisposable
{
    private readonly GuestRegion _region;
    private readonly ulong _page;
    private readonly ulong _count;
    private int _isDisposed;

    internal WritablePin(GuestRegion region, ulong page, ulong count)
    {
        _region = region;
        _page = page;
        _count = count;
        var isHeld = false;
        region.Handle.DangerousAddRef(ref isHeld);
        try
        {
            var error = Shim.Pin(region.Handle, page, count);
            GuestRegion.Require(error, "pinning", $"{count} pages from page {page} of guest '{region.Spec.Name}'");
        }
        catch
        {
            region.Handle.DangerousRelease();
            throw;
        }
    }

    /// <summary>Ends the pin: the pages may be shared again. Calls after the first do nothing.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
        {
            return;
        }

        // The guest may be disposed by now, and its handle closed; the reference that this pin holds keeps it usable.
        var error = Shim.UnpinHeld(_region.Handle.DangerousGetHandle(), _page, _count);
        _region.Handle.DangerousRelease();
        GuestRegion.Require(error, "unpinning", $"{_count} pages from page {_page} of guest '{_region.Spec.Name}'");
    }
}

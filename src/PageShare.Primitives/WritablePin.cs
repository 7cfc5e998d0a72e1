using PageShare.Platform;

namespace PageShare;

/// <summary>
/// Keeps a range of a guest's memory private and writable, so that I/O may go into it, until it is disposed. See
/// <see cref="MappedGuest.PinWritable"/>.
/// </summary>
/// <remarks>
/// Thread-safe. While a pin is held the memory stays mapped even if its guest is disposed; a pin that is never disposed
/// keeps it for the life of the process.
/// </remarks>
public sealed class WritablePin : IDisposable
{
    private readonly RegionHandle _region;
    private readonly string _guest;
    private readonly ulong _page;
    private readonly ulong _count;
    private int _isDisposed;

    internal WritablePin(RegionHandle region, string guest, ulong page, ulong count)
    {
        _region = region;
        _guest = guest;
        _page = page;
        _count = count;
        var isHeld = false;
        region.DangerousAddRef(ref isHeld);
        try
        {
            var error = Shim.Pin(region, page, count);
            Shim.Require(error, "pinning", $"{count} pages from page {page} of guest '{guest}'");
        }
        catch
        {
            region.DangerousRelease();
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
        var error = Shim.UnpinHeld(_region.DangerousGetHandle(), _page, _count);
        _region.DangerousRelease();
        Shim.Require(error, "unpinning", $"{_count} pages from page {_page} of guest '{_guest}'");
    }
}

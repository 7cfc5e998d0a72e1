using System.Collections.Concurrent;
using System.Runtime.InteropServices;

namespace PageShare.Platform;

/// <summary>
/// A region of the shim, with everything that must outlive it: address range, backing, page words.
/// </summary>
/// <remarks>
/// Calls into the shim and pins hold a reference while they last, so disposing a guest in the middle of them frees
/// nothing that they use: the last to leave does. Freeing waits in the shim until no fault handler is inside the
/// region, and only then is the range unmapped: a later access is an ordinary access violation.
/// </remarks>
internal sealed class RegionHandle : SafeHandle
{
    // Open regions are reachable whatever their users do: a pin that is forgotten after its guest was disposed would
    // else have the garbage collector unmap memory that the fault handler still knows.
    private static readonly ConcurrentDictionary<RegionHandle, bool> Open = new();

    private readonly IDisposable[] _owned;

    /// <param name="region">The shim's region.</param>
    /// <param name="owned">What to dispose after it, in this order.</param>
    public RegionHandle(nint region, params IDisposable[] owned)
        : base(0, ownsHandle: true)
    {
        _owned = owned;
        SetHandle(region);
        Open[this] = true;
    }

    /// <summary>Called once everything is unmapped, on whichever thread let go last.</summary>
    public Action? Released { get; set; }

    /// <inheritdoc/>
    public override bool IsInvalid => handle == 0;

    /// <inheritdoc/>
    protected override bool ReleaseHandle()
    {
        Shim.FreeRegion(handle);
        foreach (var owned in _owned)
        {
            owned.Dispose();
        }

        Open.TryRemove(this, out _);
        Released?.Invoke();
        return true;
    }
}

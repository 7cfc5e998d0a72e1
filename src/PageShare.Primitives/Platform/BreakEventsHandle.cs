using System.Runtime.InteropServices;

namespace PageShare.Platform;

/// <summary>
/// The kernel's events and rings behind ps_break_events_open; closed when the last call on it has ended.
/// </summary>
internal sealed class BreakEventsHandle() : SafeHandle(0, ownsHandle: true)
{
    /// <inheritdoc/>
    public override bool IsInvalid => handle == 0;

    /// <inheritdoc/>
    protected override bool ReleaseHandle()
    {
        BreakEventsNative.Close(handle);
        return true;
    }
}

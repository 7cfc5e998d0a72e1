using System.Runtime.InteropServices;
using Mono.Unix.Native;

namespace PageShare.Platform.Linux;

/// <summary>An eventfd: ends another thread's poll.</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed unsafe partial class WakeUp() : SafeHandle(-1, ownsHandle: true)
{
    private const int CloseOnExec = 0x80000;
    private const int NonBlocking = 0x800;

    /// <inheritdoc/>
    public override bool IsInvalid => handle == -1;

    /// <summary>To poll for input. Valid as long as this object.</summary>
    public int Descriptor => (int)handle;

    /// <summary>Makes one.</summary>
    /// <exception cref="PlatformException">Out of descriptors.</exception>
    public static WakeUp Create()
    {
        var made = new WakeUp();
        made.SetHandle(EventDescriptor(0, CloseOnExec | NonBlocking));
        return made.IsInvalid
            ? throw new PlatformException(
                "eventfd", "a wake-up", Marshal.GetLastPInvokeError(), LinuxPlatform.DescriptorAdvice)
            : made;
    }

    /// <summary>Ends a poll, the one under way or the next.</summary>
    public void Ring()
    {
        // SAFETY: the kernel reads the eight bytes during the call. A counter that is full has rung already.
        var one = 1UL;
        _ = Syscall.write(Descriptor, &one, sizeof(ulong));
    }

    /// <summary>Has the next poll wait again.</summary>
    public void Clear()
    {
        // SAFETY: the kernel writes the eight bytes during the call, or none if it was not rung.
        ulong count;
        _ = Syscall.read(Descriptor, &count, sizeof(ulong));
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle() => Syscall.close((int)handle) == 0;

    [LibraryImport("libc", EntryPoint = "eventfd", SetLastError = true)]
    private static partial int EventDescriptor(uint initial, int flags);
}

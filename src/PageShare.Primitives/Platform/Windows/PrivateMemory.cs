using System.Runtime.InteropServices;

namespace PageShare.Platform.Windows;

/// <summary>Private memory of VirtualAlloc.</summary>
internal sealed unsafe class PrivateMemory : MappedMemory
{
    // SAFETY: only addresses; whoever follows one says why it is still mapped.
    private PrivateMemory(byte* address, long bytes)
    {
        Length = bytes;
        SetHandle((nint)address);
    }

    /// <summary>Commits zeroed memory; physical memory is taken where it is touched.</summary>
    /// <exception cref="PlatformException">The commit limit is reached, or there is no address space.</exception>
    public static PrivateMemory Allocate(long bytes)
    {
        var address = Kernel32.VirtualAlloc(
            null, (nuint)bytes, Kernel32.MemReserve | Kernel32.MemCommit, Kernel32.PageReadWrite);
        return address != null
            ? new PrivateMemory(address, bytes)
            : throw new PlatformException("VirtualAlloc", $"{bytes} bytes for a table", Marshal.GetLastPInvokeError());
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle() => Kernel32.VirtualFree((byte*)handle, 0, Kernel32.MemRelease);
}

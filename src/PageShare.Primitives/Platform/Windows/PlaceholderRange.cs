using System.Runtime.InteropServices;

namespace PageShare.Platform.Windows;

/// <summary>Address space that the shim fills with views, and empties as a whole when it goes.</summary>
/// <remarks>While a region lives in it, only the shim's placeholders.c splits, joins and replaces its parts.</remarks>
internal sealed unsafe class PlaceholderRange : MappedMemory
{
    private PlaceholderRange(byte* address, long bytes)
    {
        Length = bytes;
        SetHandle((nint)address);
    }

    /// <summary>Reserves a range in which every access faults.</summary>
    /// <exception cref="PlatformException">No address space.</exception>
    /// <exception cref="PlatformNotSupportedException">Windows is older than 10 1803.</exception>
    public static PlaceholderRange Reserve(long bytes)
    {
        try
        {
            var address = KernelBase.VirtualAlloc2(
                Kernel32.GetCurrentProcess(),
                null,
                (nuint)bytes,
                Kernel32.MemReserve | KernelBase.MemReservePlaceholder,
                Kernel32.PageNoAccess,
                null,
                0);
            return address != null
                ? new PlaceholderRange(address, bytes)
                : throw new PlatformException(
                    "VirtualAlloc2", $"{bytes} bytes for a guest", Marshal.GetLastPInvokeError());
        }
        catch (EntryPointNotFoundException)
        {
            throw new PlatformNotSupportedException(
                "PageShare needs Windows 10 version 1803 or later, for memory placeholders.");
        }
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle()
    {
        // SAFETY: the range is ours alone, and its region is gone. Each view and each placeholder in it goes by itself,
        // and each begins where the one before ends.
        var isDone = true;
        var end = (byte*)handle + Length;
        for (var at = (byte*)handle; at < end;)
        {
            var next = EndOfAllocation(at, end, out var isView);
            isDone &= isView ? Kernel32.UnmapViewOfFile(at) : Kernel32.VirtualFree(at, 0, Kernel32.MemRelease);
            at = next;
        }

        return isDone;
    }

    private static byte* EndOfAllocation(byte* at, byte* end, out bool isView)
    {
        Kernel32.MemoryBasicInformation found;
        isView = false;
        for (var part = at; part < end; part = found.BaseAddress + found.RegionSize)
        {
            if (Kernel32.VirtualQuery(part, &found, (nuint)sizeof(Kernel32.MemoryBasicInformation)) == 0
                || found.AllocationBase != at)
            {
                return part == at ? end : part;
            }

            isView = found.Type == Kernel32.MemMapped;
        }

        return end;
    }
}

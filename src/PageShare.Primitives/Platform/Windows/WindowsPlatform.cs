using System.Runtime.InteropServices;

namespace PageShare.Platform.Windows;

/// <summary>Windows 10 1803 and later, 64-bit: placeholders, pagefile sections, and the working set.</summary>
internal sealed unsafe class WindowsPlatform : IPlatform
{
    /// <inheritdoc/>
    public string SealKind => "VirtualProtect";

    /// <inheritdoc/>
    public string CopyCounting => "working set";

    /// <inheritdoc/>
    public ILoadSource LoadSource { get; } = new SystemTimes();

    /// <summary>
    /// Windows names no limit on views; each takes some 200 bytes of kernel memory. As many as Linux allows by default
    /// keep the tables of a process small, and <c>EngineOptions.MappingBudget</c> allows more.
    /// </summary>
    public int MappingLimit => 65_536;

    /// <inheritdoc/>
    public long MemoryBytes => (long)ReadMemoryStatus().TotalPhysical;

    /// <inheritdoc/>
    public long MemoryAndSwapBytes => (long)ReadMemoryStatus().TotalPageFile;

    /// <inheritdoc/>
    public string? WhyNoAdoption =>
        "Windows cannot turn existing memory into a guest: no view can take the place of memory that is in use. Make a "
        + "guest with CreateGuest, and copy the bytes into it.";

    /// <summary>A view of the kernel's copies can't be cut without losing them, so it is one page long.</summary>
    public bool MapsSharedPagesSingly(FaultMode mode) => mode == FaultMode.Kernel;

    /// <inheritdoc/>
    public bool ReplacesMappingsAtomically => false;

    /// <inheritdoc/>
    public IProcessSharing? BetweenProcesses => null;

    /// <inheritdoc/>
    public int CountMappings()
    {
        // SAFETY: addresses are asked about, and not followed.
        var count = 0;
        Kernel32.MemoryBasicInformation found;
        byte* allocation = null;
        for (byte* at = null;
            Kernel32.VirtualQuery(at, &found, (nuint)sizeof(Kernel32.MemoryBasicInformation)) != 0;
            at = found.BaseAddress + found.RegionSize)
        {
            if (found.State != Kernel32.MemFree && found.AllocationBase != allocation)
            {
                allocation = found.AllocationBase;
                count++;
            }
        }

        return count;
    }

    /// <inheritdoc/>
    public MemoryObject CreateMemoryObject(string name, long bytes, long? maximumBytes = null) =>
        Section.Create(name, bytes, maximumBytes ?? bytes);

    /// <inheritdoc/>
    public MappedMemory Map(MemoryObject memory, long bytes, bool writable) => SectionView.Of((Section)memory, bytes);

    /// <inheritdoc/>
    public MappedMemory Reserve(long bytes) => PlaceholderRange.Reserve(bytes);

    /// <inheritdoc/>
    public MappedMemory Allocate(long bytes, bool isDense) => PrivateMemory.Allocate(bytes);

    /// <inheritdoc/>
    public void QueryResidency(RegionHandle? region, byte* view, long firstPage, byte[] resident, int pages)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(pages, resident.Length);

        // SAFETY: the shim writes one byte a page, and the array holds that many.
        fixed (byte* first = resident)
        {
            _ = Require(WindowsShim.FindPresent(region!, (ulong)firstPage, (ulong)pages, first), $"{pages} pages");
        }
    }

    /// <inheritdoc/>
    public bool IsPrivateAnonymous(byte* address, long bytes)
    {
        // SAFETY: asked about, not followed.
        Kernel32.MemoryBasicInformation found;
        for (var at = address; at < address + bytes; at = found.BaseAddress + found.RegionSize)
        {
            if (Kernel32.VirtualQuery(at, &found, (nuint)sizeof(Kernel32.MemoryBasicInformation)) == 0
                || found.State != Kernel32.MemCommit
                || found.Type != Kernel32.MemPrivate
                || found.Protect != Kernel32.PageReadWrite)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>What the shim found, or its refusal as an exception.</summary>
    public static long Require(long result, string subject) =>
        result >= 0 ? result : throw PlatformException.OfShim("asking the working set", subject, (int)-result);

    private static Kernel32.MemoryStatus ReadMemoryStatus()
    {
        var status = new Kernel32.MemoryStatus { Length = (uint)sizeof(Kernel32.MemoryStatus) };
        return Kernel32.GlobalMemoryStatus(&status)
            ? status
            : throw new PlatformException("GlobalMemoryStatusEx", "the machine", Marshal.GetLastPInvokeError());
    }
}

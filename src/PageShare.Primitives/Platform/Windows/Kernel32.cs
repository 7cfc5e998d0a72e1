using System.Runtime.InteropServices;

namespace PageShare.Platform.Windows;

/// <summary>kernel32.dll: what of it the engine calls. Constants are those of winnt.h and memoryapi.h.</summary>
/// <remarks>TerraFX.Interop.Windows has all of these; this file stands in for it where a registry does not carry the
/// package.</remarks>
internal static unsafe partial class Kernel32
{
    public const uint MemCommit = 0x0000_1000;
    public const uint MemReserve = 0x0000_2000;
    public const uint MemRelease = 0x0000_8000;
    public const uint MemReset = 0x0008_0000;
    public const uint MemFree = 0x0001_0000;
    public const uint MemPrivate = 0x0002_0000;
    public const uint MemMapped = 0x0004_0000;

    public const uint PageNoAccess = 0x01;
    public const uint PageReadWrite = 0x04;

    public const uint SectionReserve = 0x0400_0000;
    public const uint SectionQuery = 0x0001;
    public const uint SectionMapWrite = 0x0002;
    public const uint SectionMapRead = 0x0004;

    private const string Library = "kernel32";

    [LibraryImport(Library, EntryPoint = "CreateFileMappingW", SetLastError = true)]
    public static partial nint CreateFileMapping(
        nint file, void* attributes, uint protection, uint sizeHigh, uint sizeLow, void* name);

    [LibraryImport(Library, EntryPoint = "MapViewOfFile", SetLastError = true)]
    public static partial byte* MapViewOfFile(nint section, uint access, uint offsetHigh, uint offsetLow, nuint bytes);

    [LibraryImport(Library, EntryPoint = "UnmapViewOfFile", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    public static partial bool UnmapViewOfFile(byte* view);

    [LibraryImport(Library, EntryPoint = "DuplicateHandle", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    public static partial bool DuplicateHandle(
        nint fromProcess,
        nint handle,
        nint toProcess,
        out nint duplicate,
        uint access,
        [MarshalAs(UnmanagedType.Bool)] bool inherit,
        uint options);

    [LibraryImport(Library, EntryPoint = "CloseHandle", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    public static partial bool CloseHandle(nint handle);

    [LibraryImport(Library, EntryPoint = "GetCurrentProcess")]
    public static partial nint GetCurrentProcess();

    [LibraryImport(Library, EntryPoint = "VirtualAlloc", SetLastError = true)]
    public static partial byte* VirtualAlloc(byte* address, nuint bytes, uint type, uint protection);

    [LibraryImport(Library, EntryPoint = "VirtualFree", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    public static partial bool VirtualFree(byte* address, nuint bytes, uint type);

    [LibraryImport(Library, EntryPoint = "VirtualQuery", SetLastError = true)]
    public static partial nuint VirtualQuery(byte* address, MemoryBasicInformation* information, nuint bytes);

    /// <summary>Returns the error itself, 0 for success. Since Windows 8.1.</summary>
    [LibraryImport(Library, EntryPoint = "DiscardVirtualMemory")]
    public static partial uint DiscardVirtualMemory(byte* address, nuint bytes);

    [LibraryImport(Library, EntryPoint = "K32QueryWorkingSetEx", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    public static partial bool QueryWorkingSetEx(nint process, WorkingSetEntry* entries, uint bytes);

    [LibraryImport(Library, EntryPoint = "GlobalMemoryStatusEx", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    public static partial bool GlobalMemoryStatus(MemoryStatus* status);

    [LibraryImport(Library, EntryPoint = "GetSystemTimes", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    public static partial bool GetSystemTimes(out long idle, out long kernel, out long user);

    /// <summary>MEMORY_BASIC_INFORMATION of 64-bit Windows.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct MemoryBasicInformation
    {
        public byte* BaseAddress;
        public byte* AllocationBase;
        public uint AllocationProtect;
        public uint PartitionId;
        public nuint RegionSize;
        public uint State;
        public uint Protect;
        public uint Type;
    }

    /// <summary>PSAPI_WORKING_SET_EX_INFORMATION: bit 0 of the attributes says that the page is in the working
    /// set.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct WorkingSetEntry
    {
        public byte* Address;
        public nuint Attributes;
    }

    /// <summary>MEMORYSTATUSEX. "Page file" is what may be committed: memory and page files together.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct MemoryStatus
    {
        public uint Length;
        public uint MemoryLoadPercent;
        public ulong TotalPhysical;
        public ulong AvailablePhysical;
        public ulong TotalPageFile;
        public ulong AvailablePageFile;
        public ulong TotalVirtual;
        public ulong AvailableVirtual;
        public ulong AvailableExtendedVirtual;
    }
}

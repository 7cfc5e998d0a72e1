using System.Runtime.InteropServices;

namespace PageShare.Platform.Linux;

/// <summary>The system calls that Mono.Posix does not cover. Values are Linux's, the same on x86-64 and
/// arm64.</summary>
internal static unsafe partial class Libc
{
    public const uint MemfdCloseOnExec = 0x1;
    public const uint MemfdAllowSealing = 0x2;

    public const int FcntlGetFlags = 3;
    public const int FcntlAddSeals = 1033;
    public const int FcntlGetSeals = 1034;
    public const int SealSeal = 0x1;
    public const int SealShrink = 0x2;
    public const int SealGrow = 0x4;
    public const int SealWrite = 0x8;
    public const int SealFutureWrite = 0x10;

    public const int AccessMode = 3;
    public const int OpenPath = 0x200000;
    public const long TmpfsMagic = 0x0102_1994;

    public const int SeekData = 3;
    public const int SeekHole = 4;

    // struct statfs is 120 bytes on all 64-bit systems, and begins with f_type, a long.
    private const int FileSystemStatusBytes = 120;

    public const int FallocateKeepSize = 0x1;
    public const int FallocatePunchHole = 0x2;

    public const int AdviseDontFork = 10;
    public const int AdviseHugePage = 14;
    public const int AdvisePopulateWrite = 23;

    [LibraryImport("libc", EntryPoint = "memfd_create", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int MemfdCreate(string name, uint flags);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    public static partial int Fcntl(int descriptor, int command, int argument);

    [LibraryImport("libc", EntryPoint = "fallocate", SetLastError = true)]
    public static partial int Fallocate(MemoryObject memory, int mode, long offset, long bytes);

    [LibraryImport("libc", EntryPoint = "lseek", SetLastError = true)]
    public static partial long Seek(MemoryObject memory, long offset, int whence);

    /// <summary>The magic number of the file system that a descriptor lies on; -1 where the kernel does not
    /// tell.</summary>
    public static long FileSystemOf(int descriptor)
    {
        // SAFETY: twice as large as the structure.
        var status = stackalloc byte[2 * FileSystemStatusBytes];
        return FileSystemStatus(descriptor, status) == 0 ? *(long*)status : -1;
    }

    [LibraryImport("libc", EntryPoint = "madvise", SetLastError = true)]
    public static partial int Advise(byte* address, nuint bytes, int advice);

    [LibraryImport("libc", EntryPoint = "fstatfs", SetLastError = true)]
    private static partial int FileSystemStatus(int descriptor, byte* status);

    /// <summary>Not Mono.Posix's, whose fixed array type would make an object a call.</summary>
    [LibraryImport("libc", EntryPoint = "mincore", SetLastError = true)]
    public static partial int Mincore(byte* address, nuint bytes, byte* resident);
}

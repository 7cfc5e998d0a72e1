using System.Runtime.InteropServices;

namespace PageShare.Platform.Linux;

/// <summary>The system calls that Mono.Posix does not cover. Values are Linux's, the same on x86-64 and
/// arm64.</summary>
internal static unsafe partial class Libc
{
    public const uint MemfdCloseOnExec = 0x1;
    public const uint MemfdAllowSealing = 0x2;

    public const int FcntlAddSeals = 1033;
    public const int SealSeal = 0x1;
    public const int SealShrink = 0x2;

    public const int FallocateKeepSize = 0x1;
    public const int FallocatePunchHole = 0x2;

    public const int AdviseDontFork = 10;
    public const int AdviseHugePage = 14;

    [LibraryImport("libc", EntryPoint = "memfd_create", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int MemfdCreate(string name, uint flags);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    public static partial int Fcntl(int descriptor, int command, int argument);

    [LibraryImport("libc", EntryPoint = "fallocate", SetLastError = true)]
    public static partial int Fallocate(MemoryObject memory, int mode, long offset, long bytes);

    [LibraryImport("libc", EntryPoint = "madvise", SetLastError = true)]
    public static partial int Advise(byte* address, nuint bytes, int advice);

    /// <summary>Not Mono.Posix's, whose fixed array type would make an object a call.</summary>
    [LibraryImport("libc", EntryPoint = "mincore", SetLastError = true)]
    public static partial int Mincore(byte* address, nuint bytes, byte* resident);
}

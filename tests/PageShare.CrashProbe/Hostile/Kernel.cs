using System.Runtime.InteropServices;

namespace PageShare.CrashProbe.Hostile;

/// <summary>System calls of attacks, which say what the kernel answered. Values are Linux's, the same on x86-64 and
/// arm64.</summary>
internal static unsafe partial class Kernel
{
    public const int Shared = 1;
    public const int Private = 2;

    /// <summary>A mapping that must be had.</summary>
    public static byte* Map(SafeHandle descriptor, long bytes, int protection, int flags = Shared)
    {
        var address = MapRaw(null, (nuint)bytes, protection, flags, Number(descriptor), 0);
        ProbeFailedException.ThrowIf((nint)address == -1, $"mmap: errno {Marshal.GetLastPInvokeError()}");
        return (byte*)address;
    }

    /// <summary>The descriptor's number; it stays open as long as the guest is held.</summary>
    public static int Number(SafeHandle descriptor) => (int)descriptor.DangerousGetHandle();

    /// <summary>FUTEX_WAKE of everybody, in other processes too.</summary>
    public static void Wake(uint* word) => _ = Call(
        RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 98 : 202, (nint)word, 1, int.MaxValue);

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    public static partial void* MapRaw(
        void* address, nuint bytes, int protection, int flags, int descriptor, nint offset);

    [LibraryImport("libc", EntryPoint = "mprotect", SetLastError = true)]
    public static partial int Protect(void* address, nuint bytes, int protection);

    [LibraryImport("libc", EntryPoint = "madvise", SetLastError = true)]
    public static partial int Advise(void* address, nuint bytes, int advice);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Open(string path, int flags, int mode);

    [LibraryImport("libc", EntryPoint = "close")]
    public static partial int Close(int descriptor);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    public static partial nint Write(int descriptor, void* from, nuint bytes);

    [LibraryImport("libc", EntryPoint = "pwrite", SetLastError = true)]
    public static partial nint WriteAt(int descriptor, void* from, nuint bytes, nint offset);

    [LibraryImport("libc", EntryPoint = "pread", SetLastError = true)]
    public static partial nint ReadAt(int descriptor, void* into, nuint bytes, nint offset);

    [LibraryImport("libc", EntryPoint = "ftruncate", SetLastError = true)]
    public static partial int Truncate(int descriptor, nint bytes);

    [LibraryImport("libc", EntryPoint = "fallocate", SetLastError = true)]
    public static partial int Allocate(int descriptor, int mode, nint offset, nint bytes);

    [LibraryImport("libc", EntryPoint = "fchmod", SetLastError = true)]
    public static partial int ChangeMode(int descriptor, int mode);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    public static partial int Control(int descriptor, int command, int value);

    [LibraryImport("libc", EntryPoint = "pipe", SetLastError = true)]
    public static partial int Pipe(int* ends);

    [LibraryImport("libc", EntryPoint = "splice", SetLastError = true)]
    public static partial nint Splice(int from, nint* fromAt, int into, nint* intoAt, nuint bytes, uint flags);

    [LibraryImport("libc", EntryPoint = "vmsplice", SetLastError = true)]
    public static partial nint SpliceMemory(int pipe, Part* parts, nuint count, uint flags);

    [LibraryImport("libc", EntryPoint = "sendfile", SetLastError = true)]
    public static partial nint SendFile(int into, int from, nint* fromAt, nuint bytes);

    [LibraryImport("libc", EntryPoint = "copy_file_range", SetLastError = true)]
    public static partial nint CopyRange(int from, nint* fromAt, int into, nint* intoAt, nuint bytes, uint flags);

    [LibraryImport("libc", EntryPoint = "process_vm_writev", SetLastError = true)]
    public static partial nint WriteProcess(
        int process, Part* from, nuint fromCount, Part* into, nuint intoCount, nuint flags);

    [LibraryImport("libc", EntryPoint = "ptrace", SetLastError = true)]
    public static partial nint Trace(nint request, int process, nint address, nint data);

    [LibraryImport(
        "libc", EntryPoint = "memfd_create", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int CreateMemory(string name, uint flags);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    public static partial nint Call(nint number, nint first, nint second, nint third);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    public static partial int Command(int descriptor, nuint request, void* argument);

    /// <summary>iovec.</summary>
    internal record struct Part(nint Address, nuint Bytes);
}

using System.Runtime.InteropServices;

namespace PageShare.CrashProbe;

/// <summary>System calls of the scenarios on Linux. Values are the same on x86-64 and arm64.</summary>
internal static unsafe partial class Libc
{
    private const int PrivateAnonymous = 0x22;
    private const int LimitCore = 4;
    private const int LimitDescriptors = 7;
    private const int GetDescriptorFlags = 1;

    /// <summary>Private anonymous memory.</summary>
    public static byte* Map(long bytes, int protection)
    {
        var address = MapRaw(null, (nuint)bytes, protection, PrivateAnonymous, -1, 0);
        ProbeFailedException.ThrowIf((nint)address == -1, $"mmap: errno {Marshal.GetLastPInvokeError()}");
        return (byte*)address;
    }

    public static void Unmap(byte* address, long bytes) =>
        ProbeFailedException.ThrowIf(
            UnmapRaw(address, (nuint)bytes) != 0, $"munmap: errno {Marshal.GetLastPInvokeError()}");

    public static void Protect(byte* address, long bytes, int protection) =>
        ProbeFailedException.ThrowIf(
            ProtectRaw(address, (nuint)bytes, protection) != 0, $"mprotect: errno {Marshal.GetLastPInvokeError()}");

    /// <summary>Crashes are wanted here, their dumps are not.</summary>
    public static void ForgoCoreDumps() => SetLimit(LimitCore, new Limit(0, 0));

    /// <summary>Lowers how many descriptors the process may have open.</summary>
    public static void LimitOpenDescriptors(int most)
    {
        Limit limit;
        ProbeFailedException.ThrowIf(GetLimitRaw(LimitDescriptors, &limit) != 0, "getrlimit failed");
        SetLimit(LimitDescriptors, limit with { Soft = (ulong)most });
    }

    /// <summary>Asks without opening one, as a look into /proc/self/fd would.</summary>
    public static int CountOpenDescriptors(int below)
    {
        var open = 0;
        for (var descriptor = 0; descriptor < below; descriptor++)
        {
            open += Control(descriptor, GetDescriptorFlags) >= 0 ? 1 : 0;
        }

        return open;
    }

    [LibraryImport("libc", EntryPoint = "dup", SetLastError = true)]
    public static partial int Duplicate(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    public static partial void Close(int descriptor);

    [LibraryImport("libc", EntryPoint = "memset")]
    public static partial void* Fill(void* address, int value, nuint bytes);

    private static void SetLimit(int resource, Limit limit) =>
        ProbeFailedException.ThrowIf(SetLimitRaw(resource, &limit) != 0, $"setrlimit({resource}) failed");

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial void* MapRaw(
        void* address, nuint bytes, int protection, int flags, int descriptor, nint offset);

    [LibraryImport("libc", EntryPoint = "munmap", SetLastError = true)]
    private static partial int UnmapRaw(void* address, nuint bytes);

    [LibraryImport("libc", EntryPoint = "mprotect", SetLastError = true)]
    private static partial int ProtectRaw(void* address, nuint bytes, int protection);

    [LibraryImport("libc", EntryPoint = "fcntl")]
    private static partial int Control(int descriptor, int command);

    [LibraryImport("libc", EntryPoint = "getrlimit")]
    private static partial int GetLimitRaw(int resource, Limit* limit);

    [LibraryImport("libc", EntryPoint = "setrlimit")]
    private static partial int SetLimitRaw(int resource, Limit* limit);

    private record struct Limit(ulong Soft, ulong Hard);
}

using System.Runtime.InteropServices;

namespace PageShare.CrashProbe;

/// <summary>System calls of the scenarios on Windows. Protections come as Linux has them.</summary>
internal static unsafe partial class Win32
{
    private const uint CommitAndReserve = 0x3000;
    private const uint Decommit = 0x4000;
    private const uint NoErrorBoxes = 0x0003; // SEM_FAILCRITICALERRORS, SEM_NOGPFAULTERRORBOX

    private static readonly uint[] Protections = [0x01, 0x02, 0x04, 0x04]; // none, read, write, both

    /// <summary>Private memory.</summary>
    public static byte* Map(long bytes, int protection)
    {
        var address = Allocate(null, (nuint)bytes, CommitAndReserve, Protections[protection]);
        ProbeFailedException.ThrowIf(address == null, $"VirtualAlloc: error {Marshal.GetLastPInvokeError()}");
        return address;
    }

    /// <summary>The pages are gone; their addresses stay taken.</summary>
    public static void Unmap(byte* address, long bytes) =>
        ProbeFailedException.ThrowIf(
            FreeRaw(address, (nuint)bytes, Decommit) == 0, $"VirtualFree: error {Marshal.GetLastPInvokeError()}");

    public static void Protect(byte* address, long bytes, int protection)
    {
        uint before;
        ProbeFailedException.ThrowIf(
            ProtectRaw(address, (nuint)bytes, Protections[protection], &before) == 0,
            $"VirtualProtect: error {Marshal.GetLastPInvokeError()}");
    }

    /// <summary>Crashes are wanted here, windows that wait for a click are not.</summary>
    public static void ForgoErrorBoxes() => _ = SetErrorMode(NoErrorBoxes);

    [LibraryImport("ucrtbase", EntryPoint = "memset")]
    public static partial void* Fill(void* address, int value, nuint bytes);

    [LibraryImport("kernel32", EntryPoint = "VirtualAlloc", SetLastError = true)]
    private static partial byte* Allocate(byte* address, nuint bytes, uint type, uint protection);

    [LibraryImport("kernel32", EntryPoint = "VirtualFree", SetLastError = true)]
    private static partial int FreeRaw(byte* address, nuint bytes, uint type);

    [LibraryImport("kernel32", EntryPoint = "VirtualProtect", SetLastError = true)]
    private static partial int ProtectRaw(byte* address, nuint bytes, uint protection, uint* before);

    [LibraryImport("kernel32", EntryPoint = "SetErrorMode")]
    private static partial uint SetErrorMode(uint mode);
}

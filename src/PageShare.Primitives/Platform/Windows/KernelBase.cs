using System.Runtime.InteropServices;

namespace PageShare.Platform.Windows;

/// <summary>kernelbase.dll: the one call that kernel32.dll does not pass on.</summary>
internal static unsafe partial class KernelBase
{
    public const uint MemReservePlaceholder = 0x0004_0000;

    /// <summary>Since Windows 10 1803.</summary>
    [LibraryImport("kernelbase", EntryPoint = "VirtualAlloc2", SetLastError = true)]
    public static partial byte* VirtualAlloc2(
        nint process, byte* address, nuint bytes, uint type, uint protection, void* parameters, uint parameterCount);
}

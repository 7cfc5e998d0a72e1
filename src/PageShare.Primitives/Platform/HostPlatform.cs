using System.Runtime.InteropServices;
using PageShare.Platform.Linux;
using PageShare.Platform.Windows;

namespace PageShare.Platform;

/// <summary>The one place that chooses a platform.</summary>
internal static class HostPlatform
{
    /// <summary>The platform of this machine.</summary>
    /// <exception cref="PlatformNotSupportedException">There is none for it yet.</exception>
    public static IPlatform Create() =>
        OperatingSystem.IsLinux() ? new LinuxPlatform()
        : OperatingSystem.IsWindows() && Environment.Is64BitProcess ? new WindowsPlatform()
        : throw new PlatformNotSupportedException("PageShare runs on Linux (x86-64, arm64) and on 64-bit Windows 10 or later.");

    /// <summary>Whether the kernel is Linux, of which alone some things can be asked.</summary>
    public static bool IsLinux => OperatingSystem.IsLinux();

    /// <summary>File name of the native shim, whose P/Invoke name is <see cref="Shim.Library"/>.</summary>
    public static string ShimFile => OperatingSystem.IsWindows() ? $"{Shim.Library}.dll" : $"lib{Shim.Library}.so";

    /// <summary>
    /// What an error number of the shim means. They are Linux's on every system, and only Linux can be asked about
    /// them.
    /// </summary>
    public static string DescribeShimError(int error) =>
        OperatingSystem.IsLinux() ? Marshal.GetPInvokeErrorMessage(error) : error switch
        {
            1 => "Operation not permitted",
            5 => "Input/output error",
            11 => "Resource temporarily unavailable",
            12 => "Cannot allocate memory",
            16 => "Device or resource busy",
            22 => "Invalid argument",
            28 => "No space left on device",
            38 => "This Windows is too old: 10 version 1803 is needed",
            75 => "Value too large",
            95 => "Operation not supported",
            110 => "Timed out",
            125 => "Operation canceled",
            _ => "Unknown error",
        };
}

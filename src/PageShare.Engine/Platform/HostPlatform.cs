using PageShare.Platform.Linux;

namespace PageShare.Platform;

/// <summary>The one place that chooses a platform.</summary>
internal static class HostPlatform
{
    /// <summary>The platform of this machine.</summary>
    /// <exception cref="PlatformNotSupportedException">There is none for it yet.</exception>
    public static IPlatform Create() => OperatingSystem.IsLinux()
        ? new LinuxPlatform()
        : throw new PlatformNotSupportedException("PageShare runs on Linux (x86-64, arm64) so far.");
}

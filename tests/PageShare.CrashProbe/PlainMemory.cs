using PageShare.Platform;

namespace PageShare.CrashProbe;

/// <summary>Private memory that belongs to no guest, of the system that this is.</summary>
internal static unsafe class PlainMemory
{
    public const int ProtectNone = 0;
    public const int ProtectRead = 1;
    public const int ProtectReadWrite = 3;

    // SAFETY: passed on as they come; scenarios use them wrongly on purpose.

    public static byte* Map(long bytes, int protection = ProtectReadWrite) =>
        HostPlatform.IsLinux ? Libc.Map(bytes, protection) : Win32.Map(bytes, protection);

    /// <summary>Whoever follows an address of the range faults from then on.</summary>
    public static void Unmap(byte* address, long bytes)
    {
        if (HostPlatform.IsLinux)
        {
            Libc.Unmap(address, bytes);
        }
        else
        {
            Win32.Unmap(address, bytes);
        }
    }

    public static void Protect(byte* address, long bytes, int protection)
    {
        if (HostPlatform.IsLinux)
        {
            Libc.Protect(address, bytes, protection);
        }
        else
        {
            Win32.Protect(address, bytes, protection);
        }
    }

    /// <summary>Stores by native code.</summary>
    public static void Fill(byte* address, int value, nuint bytes) =>
        _ = HostPlatform.IsLinux ? Libc.Fill(address, value, bytes) : Win32.Fill(address, value, bytes);

    /// <summary>Crashes are wanted here, what the system makes of them otherwise is not.</summary>
    public static void ForgoCrashReports()
    {
        if (HostPlatform.IsLinux)
        {
            Libc.ForgoCoreDumps();
        }
        else
        {
            Win32.ForgoErrorBoxes();
        }
    }
}

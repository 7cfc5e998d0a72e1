using System.Runtime.InteropServices;
using PageShare.Platform;

namespace PageShare.TestKit.Proof;

/// <summary>Whether Windows is Wine here, which runs everything and measures less.</summary>
public static class Wine
{
    /// <summary>Whether it is: it says so by a call that Windows does not have.</summary>
    public static bool IsHere { get; } = !HostPlatform.IsLinux
        && NativeLibrary.TryGetExport(NativeLibrary.Load("ntdll.dll"), "wine_get_version", out _);

    /// <summary>How often to do a thing: under Wine, where changing a view takes a hundred times as long, less
    /// often.</summary>
    public static int Else(int usual, int here) => IsHere ? here : usual;

    /// <summary>Skips a test of what Wine does not tell.</summary>
    public static void SkipHere(string reason) => Assert.SkipWhen(IsHere, $"needs real Windows: {reason}");
}

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace PageShare.Platform.Windows;

/// <summary>pageshare_windows.h, signature by signature. See there for what each call does.</summary>
/// <remarks>Results are those of the header: 0 or a count, or a negative errno.</remarks>
internal static unsafe partial class WindowsShim
{
    // Shim's initializer tells the runtime where the library is, and checks that it is the right one.
    static WindowsShim() => RuntimeHelpers.RunClassConstructor(typeof(Shim).TypeHandle);

    [LibraryImport(Shim.Library, EntryPoint = "ps_find_present")]
    public static partial long FindPresent(RegionHandle region, ulong page, ulong count, byte* present);

    [LibraryImport(Shim.Library, EntryPoint = "ps_count_present")]
    public static partial long CountPresent(RegionHandle region);
}

using System.Runtime.InteropServices;

namespace PageShare.CrashProbe;

/// <summary>native/foreign.c, which the tests compile; --helper says where it is.</summary>
internal static unsafe partial class Foreign
{
    private const string Library = "foreign";

    /// <summary>Loads it. Call first.</summary>
    public static void Load(ProbeArguments arguments)
    {
        var handle = NativeLibrary.Load(arguments.Required("helper"));
        NativeLibrary.SetDllImportResolver(typeof(Foreign).Assembly, (name, _, _) => name == Library ? handle : 0);
    }

    [LibraryImport(Library, EntryPoint = "foreign_install")]
    public static partial int Install();

    [LibraryImport(Library, EntryPoint = "foreign_arm")]
    public static partial byte* Arm();

    [LibraryImport(Library, EntryPoint = "foreign_trapped")]
    public static partial int Trapped();

    [LibraryImport(Library, EntryPoint = "foreign_replace")]
    public static partial int Replace();

    [LibraryImport(Library, EntryPoint = "foreign_fork_and_look")]
    public static partial int ForkAndLook(ulong* ranges, int count);

    [LibraryImport(Library, EntryPoint = "foreign_start_writer")]
    public static partial nint StartWriter(byte* first, ulong pages);

    [LibraryImport(Library, EntryPoint = "foreign_stores")]
    public static partial ulong Stores(nint writer);

    [LibraryImport(Library, EntryPoint = "foreign_join")]
    public static partial void Join(nint writer);
}

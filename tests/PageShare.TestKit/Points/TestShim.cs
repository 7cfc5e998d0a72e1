using System.Runtime.InteropServices;
using PageShare.Platform;

namespace PageShare.TestKit.Points;

/// <summary>pageshare_test.h, signature by signature, and the one libc call that tests store with.</summary>
/// <remarks>The runtime finds the library beside the test's assembly, the same file that the engine loads. Windows has
/// its libc under another name.</remarks>
internal static unsafe partial class TestShim
{
    private const string Library = "pageshare_native";
    private const string Libc = "libc";
    private const string WindowsLibc = "ucrtbase";

    static TestShim()
    {
        if (!HostPlatform.IsLinux)
        {
            NativeLibrary.SetDllImportResolver(
                typeof(TestShim).Assembly, static (name, _, _) => name == Libc ? NativeLibrary.Load(WindowsLibc) : 0);
        }
    }

    [LibraryImport(Library, EntryPoint = "ps_gate_set")]
    public static partial int SetGate(TestPoint point, uint mode, ulong page);

    [LibraryImport(Library, EntryPoint = "ps_gate_await")]
    public static partial int AwaitGate(TestPoint point, uint arrivals, uint timeoutMilliseconds);

    [LibraryImport(Library, EntryPoint = "ps_inject_failure")]
    public static partial int InjectFailure(TestCall call, uint skip, uint times, int error);

    [LibraryImport(Libc, EntryPoint = "memset")]
    public static partial nint FillMemory(byte* address, int value, nuint bytes);
}

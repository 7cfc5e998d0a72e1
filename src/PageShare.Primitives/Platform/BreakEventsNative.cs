using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace PageShare.Platform;

/// <summary>pageshare_events.h, signature by signature. See there for what each call does.</summary>
/// <remarks>Results are those of the header: 0 or a count, or a negative errno.</remarks>
internal static unsafe partial class BreakEventsNative
{
    // Shim's initializer tells the runtime where the library is, and checks that it is the right one.
    static BreakEventsNative() => RuntimeHelpers.RunClassConstructor(typeof(Shim).TypeHandle);

    [LibraryImport(Shim.Library, EntryPoint = "ps_break_events_open")]
    public static partial BreakEventsHandle Open(ulong memoryBytes, int* error);

    [LibraryImport(Shim.Library, EntryPoint = "ps_break_events_drain")]
    public static partial long Drain(BreakEventsHandle events, ulong* addresses, ulong capacity);

    [LibraryImport(Shim.Library, EntryPoint = "ps_break_events_lost")]
    public static partial ulong Lost(BreakEventsHandle events);

    [LibraryImport(Shim.Library, EntryPoint = "ps_break_events_see_system_calls")]
    public static partial int SeeSystemCalls(BreakEventsHandle events);

    [LibraryImport(Shim.Library, EntryPoint = "ps_break_events_ring_bytes")]
    public static partial ulong RingBytes(BreakEventsHandle events);

    [LibraryImport(Shim.Library, EntryPoint = "ps_break_events_close")]
    public static partial void Close(nint events);

    [LibraryImport(Shim.Library, EntryPoint = "ps_keep_anonymous")]
    public static partial long KeepAnonymous(ulong* addresses, ulong count);
}

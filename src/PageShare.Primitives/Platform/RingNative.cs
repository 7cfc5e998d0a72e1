using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace PageShare.Platform;

/// <summary>pageshare_agent.h, signature by signature: the ring by which a host orders merges from a guest's agent. See
/// there for what each call does, and who writes what.</summary>
internal static unsafe partial class RingNative
{
    /// <summary>Orders that may be posted and unanswered (PS_RING_ORDERS).</summary>
    public const int Orders = 8;

    // SAFETY: rings are mapped memory that their handle, or the agent's owner, keeps until the agent or the host's side
    // is closed. Shim's initializer tells the runtime where the library is, and checks that it is the right one.
    static RingNative() => RuntimeHelpers.RunClassConstructor(typeof(Shim).TypeHandle);

    [LibraryImport(Shim.Library, EntryPoint = "ps_ring_bytes")]
    public static partial ulong Bytes(ulong pages);

    [LibraryImport(Shim.Library, EntryPoint = "ps_ring_format")]
    public static partial int Format(byte* ring, ulong bytes, ulong pages);

    [LibraryImport(Shim.Library, EntryPoint = "ps_ring_host_open")]
    public static partial nint OpenHost(byte* ring, ulong bytes, ulong pages, int* error);

    [LibraryImport(Shim.Library, EntryPoint = "ps_ring_host_close")]
    public static partial void CloseHost(nint host);

    [LibraryImport(Shim.Library, EntryPoint = "ps_ring_next")]
    public static partial RingOrder* Next(RingHandle host);

    [LibraryImport(Shim.Library, EntryPoint = "ps_ring_post")]
    public static partial uint Post(RingHandle host);

    [LibraryImport(Shim.Library, EntryPoint = "ps_ring_await")]
    public static partial int Await(RingHandle host, uint sequence, ulong timeoutNanoseconds);

    [LibraryImport(Shim.Library, EntryPoint = "ps_ring_answer")]
    public static partial RingOrder* Answer(RingHandle host, uint sequence);

    [LibraryImport(Shim.Library, EntryPoint = "ps_agent_start")]
    public static partial nint StartAgent(RegionHandle region, byte* ring, ulong bytes, int* error);

    [LibraryImport(Shim.Library, EntryPoint = "ps_agent_stop")]
    public static partial int StopAgent(nint agent);

    [LibraryImport(Shim.Library, EntryPoint = "ps_region_set_store")]
    public static partial int SetStore(RegionHandle region, int storeDescriptor, byte* storeView);
}

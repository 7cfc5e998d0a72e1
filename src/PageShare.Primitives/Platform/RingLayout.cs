using System.Runtime.InteropServices;

namespace PageShare.Platform;

/// <summary>What a host orders (ps_order_kind).</summary>
internal enum OrderKind : uint
{
    /// <summary>Merge pages with frames.</summary>
    Merge = 1,

    /// <summary>Give pages copies of their own.</summary>
    Break = 2,

    /// <summary>Kernel mode: find the kernel's copies.</summary>
    FindCopies = 3,

    /// <summary>Kernel mode: bring the kernel's copies home.</summary>
    Settle = 4,

    /// <summary>Find written pages.</summary>
    FindWritten = 5,

    /// <summary>Move pages from frames of a former store to frames of this one.</summary>
    Move = 6,

    /// <summary>Tell how the process is.</summary>
    Health = 7,
}

// SAFETY: both are layouts alone, which the shim's description of itself is compared with at load. Whoever has a
// pointer to one says where it leads, and that the other process may write there at any moment.

/// <summary>ps_ring_order: an order, and its answer.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct RingOrder // SAFETY: see above
{
    public OrderKind Kind;
    public uint Count;
    public ulong Page;
    public long Result;
    public fixed ulong Bits[Shim.OrderPages / 64];
    public fixed uint Targets[Shim.OrderPages];
    public fixed byte Results[Shim.OrderPages];
    public ulong Dropped;
    public fixed byte Unused[1440];
}

/// <summary>ps_ring_header: geometry, and one line each of what host and agent say.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct RingHeader // SAFETY: see above
{
    public ulong Magic;
    public uint Version;
    public uint Orders;
    public ulong Pages;
    public ulong Bytes;
    public ulong WrittenOffset;
    public ulong CopiesOffset;
    public fixed ulong UnusedGeometry[2];
    public uint Posted;
    public uint HostWaits;
    public fixed ulong UnusedHost[7];
    public uint Answered;
    public uint AgentState;
    public uint HandlerInstalled;
    public uint Tracking;
    public uint MappingsLimit;
    public int AgentError;
    public ulong MappingsUsed;
    public ulong CpuNanoseconds;
    public uint AgentSleeps;
    public uint UnusedAgent;
    public ulong OrdersRefused;
    public fixed byte Unused[3912];
}

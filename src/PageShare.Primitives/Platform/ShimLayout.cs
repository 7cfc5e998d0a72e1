using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace PageShare.Platform;

/// <summary>How a shim's page came out of a merge order (ps_merge_result).</summary>
internal enum MergeResult : byte
{
    /// <summary>The order named no target.</summary>
    Skipped = 0,

    /// <summary>Shares the frame, or is a hole now.</summary>
    Done = 1,

    /// <summary>Pinned, or not in a state that can be sealed.</summary>
    Busy = 2,

    /// <summary>Compared under seal: not equal.</summary>
    Differs = 3,

    /// <summary>The kernel refused a mapping.</summary>
    NoMapping = 4,
}

/// <summary>ps_region_config: pointers and descriptors that must stay valid until the region is freed.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ShimRegionConfig
{
    public byte* Base;
    public ulong Pages;
    public ulong ReservedPages;
    public ulong* Words;
    public ShimCounters* Counters;
    public byte* StoreView;
    public byte* BackingView;
    public ulong BreakTimeoutNanoseconds;
    public int BackingDescriptor;
    public int StoreDescriptor;
    public uint FaultMode;
    public uint MapNow;
    public uint TrackWrites;
    public uint StoreFrames;
    public uint BreakPages;
}

/// <summary>ps_histogram: the buckets, and the largest value; nanoseconds.</summary>
[InlineArray(Words)]
internal struct ShimHistogram
{
    /// <summary>Buckets and the maximum.</summary>
    public const int Words = 321;

    private ulong _first;
}

/// <summary>ps_guest_counters. The shim adds to it at any time, so each field is read by Volatile.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ShimCounters
{
    public ulong CowFaults;
    public ulong PagesBroken;
    public ulong BreaksStalled;
    public ulong BreaksTimedOut;
    public ulong SealWaits;
    public ulong ReserveSpent;
    public ulong PagesBrokenAhead;
    public ShimHistogram CowFaultNanoseconds;
    public ShimHistogram SealWaitNanoseconds;
}

/// <summary>ps_abi: layout as the C compiler made it.</summary>
[StructLayout(LayoutKind.Sequential)]
internal record struct ShimAbi
{
    public uint Version;
    public uint PageSize;
    public uint RegionConfigSize;
    public uint CountersSize;
    public uint HistogramSize;
    public uint OffsetCowFaultNanoseconds;
    public uint OffsetSealWaitNanoseconds;
    public uint OffsetBackingDescriptor;
    public uint GenerationShift;
    public uint RingOrders;
    public uint RingHeaderSize;
    public uint RingOrderSize;
    public uint OffsetRingPosted;
    public uint OffsetRingAnswered;
    public uint OffsetRingCpuNanoseconds;
    public uint OffsetOrderBits;
    public uint OffsetOrderTargets;
    public uint OffsetOrderResults;
}

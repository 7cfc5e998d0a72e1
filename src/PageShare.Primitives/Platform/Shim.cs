using System.Reflection;
using System.Runtime.InteropServices;

namespace PageShare.Platform;

/// <summary>The native shim: pageshare.h, signature by signature. See there for what each call does.</summary>
/// <remarks>Results are those of the header: 0 or a count, or a negative errno.</remarks>
internal static unsafe partial class Shim
{
    /// <summary>The library's name without prefix and suffix.</summary>
    public const string Library = "pageshare_native";

    /// <summary>Most pages of one merge order (PS_ORDER_PAGES).</summary>
    public const int OrderPages = 512;

    /// <summary>A merge order's target for pages to be left alone (PS_TARGET_NONE).</summary>
    public const uint TargetNone = 0xFFFF_FFFF;

    /// <summary>A merge order's target for pages to become holes (PS_TARGET_ZERO).</summary>
    public const uint TargetZero = 0xFFFF_FFFE;

    /// <summary>EBUSY, which ps_disown gives while a page is pinned.</summary>
    public const int ErrorBusy = 16;

    private const uint AbiVersion = 3;

    // SAFETY: pointers passed here are used during the call only, but for those of a region's config, which its handle
    // keeps valid. Bounds are the caller's; the shim checks page numbers against the region.

    // A type initializer runs before the first call of any method here, on whichever thread: the resolver is set, and
    // the library that it finds is the one that this code was written for.
    static Shim()
    {
        NativeLibrary.SetDllImportResolver(typeof(Shim).Assembly, Resolve);
        CheckAbi();
    }

    [LibraryImport(Library, EntryPoint = "ps_handler_install")]
    public static partial int InstallHandler();

    [LibraryImport(Library, EntryPoint = "ps_handler_is_installed")]
    public static partial int IsHandlerInstalled();

    [LibraryImport(Library, EntryPoint = "ps_transition_is_legal")]
    public static partial int IsTransitionLegal(uint from, uint to);

    [LibraryImport(Library, EntryPoint = "ps_region_create")]
    public static partial nint CreateRegion(ShimRegionConfig* config, int* error);

    [LibraryImport(Library, EntryPoint = "ps_region_grow")]
    public static partial int GrowRegion(RegionHandle region, ulong pages);

    [LibraryImport(Library, EntryPoint = "ps_region_free")]
    public static partial void FreeRegion(nint region);

    [LibraryImport(Library, EntryPoint = "ps_merge")]
    public static partial int Merge(RegionHandle region, ulong page, uint count, uint* targets, MergeResult* results);

    [LibraryImport(Library, EntryPoint = "ps_break")]
    public static partial long Break(RegionHandle region, ulong page, ulong count);

    [LibraryImport(Library, EntryPoint = "ps_try_break")]
    public static partial long TryBreak(RegionHandle region, ulong page, ulong count);

    [LibraryImport(Library, EntryPoint = "ps_settle")]
    public static partial long Settle(RegionHandle region, ulong page, uint count, ulong* broken, ulong* dropped);

    [LibraryImport(Library, EntryPoint = "ps_find_anonymous")]
    public static partial long FindAnonymous(RegionHandle region, ulong page, ulong count, ulong* broken);

    [LibraryImport(Library, EntryPoint = "ps_pin")]
    public static partial int Pin(RegionHandle region, ulong page, ulong count);

    /// <summary>By the bare region: the caller holds a reference on a handle that may be closed already.</summary>
    [LibraryImport(Library, EntryPoint = "ps_unpin")]
    public static partial int UnpinHeld(nint region, ulong page, ulong count);

    [LibraryImport(Library, EntryPoint = "ps_adopt")]
    public static partial int Adopt(RegionHandle region);

    [LibraryImport(Library, EntryPoint = "ps_disown")]
    public static partial int Disown(RegionHandle region);

    [LibraryImport(Library, EntryPoint = "ps_tracking_start")]
    public static partial int StartTracking();

    [LibraryImport(Library, EntryPoint = "ps_find_written")]
    public static partial long FindWritten(RegionHandle region, ulong page, ulong count, ulong* written);

    [LibraryImport(Library, EntryPoint = "ps_reserve_fill")]
    public static partial int FillReserve(uint mappings);

    [LibraryImport(Library, EntryPoint = "ps_thread_cpu_ns")]
    public static partial long ThreadCpuNanoseconds();

    [LibraryImport(Library, EntryPoint = "ps_abi_describe")]
    private static partial void DescribeAbi(ShimAbi* abi);

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? searchPath)
    {
        if (name != Library)
        {
            return 0;
        }

        // A build leaves the shim as a plain file beside the assembly; a package under runtimes/, where the default
        // finds it.
        var beside = Path.Combine(AppContext.BaseDirectory, HostPlatform.ShimFile);
        return NativeLibrary.TryLoad(beside, out var handle) ? handle : NativeLibrary.Load(name, assembly, searchPath);
    }

    /// <summary>Turns a negative result of the shim into an exception.</summary>
    /// <exception cref="PlatformException">The result is negative.</exception>
    public static long Require(long result, string operation, string subject) =>
        result >= 0
            ? result
            : throw PlatformException.OfShim(operation, subject, (int)-result);

    private static void CheckAbi()
    {
        ShimAbi found;
        DescribeAbi(&found);
        var expected = new ShimAbi
        {
            Version = AbiVersion,
            PageSize = 4096,
            RegionConfigSize = (uint)sizeof(ShimRegionConfig),
            CountersSize = (uint)sizeof(ShimCounters),
            HistogramSize = (uint)sizeof(ShimHistogram),
            OffsetCowFaultNanoseconds = (uint)Marshal.OffsetOf<ShimCounters>(nameof(ShimCounters.CowFaultNanoseconds)),
            OffsetSealWaitNanoseconds = (uint)Marshal.OffsetOf<ShimCounters>(nameof(ShimCounters.SealWaitNanoseconds)),
            OffsetBackingDescriptor = (uint)Marshal.OffsetOf<ShimRegionConfig>(nameof(ShimRegionConfig.BackingDescriptor)),
            GenerationShift = PageTable.PageWord.GenerationShift,
            RingOrders = RingNative.Orders,
            RingHeaderSize = (uint)sizeof(RingHeader),
            RingOrderSize = (uint)sizeof(RingOrder),
            OffsetRingPosted = (uint)Marshal.OffsetOf<RingHeader>(nameof(RingHeader.Posted)),
            OffsetRingAnswered = (uint)Marshal.OffsetOf<RingHeader>(nameof(RingHeader.Answered)),
            OffsetRingCpuNanoseconds = (uint)Marshal.OffsetOf<RingHeader>(nameof(RingHeader.CpuNanoseconds)),
            OffsetOrderBits = (uint)Marshal.OffsetOf<RingOrder>(nameof(RingOrder.Bits)),
            OffsetOrderTargets = (uint)Marshal.OffsetOf<RingOrder>(nameof(RingOrder.Targets)),
            OffsetOrderResults = (uint)Marshal.OffsetOf<RingOrder>(nameof(RingOrder.Results)),
        };
        if (found != expected)
        {
            throw new DllNotFoundException(
                $"{HostPlatform.ShimFile} is not the one that this PageShare was built with: it describes itself as {found}, "
                + $"expected was {expected}. Delete stale copies and build again.");
        }
    }
}

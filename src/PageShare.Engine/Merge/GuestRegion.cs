using PageShare.Content;
using PageShare.Fault;
using PageShare.Memory;
using PageShare.PageTable;
using PageShare.Platform;

namespace PageShare.Merge;

/// <summary>
/// One guest's region with all that belongs to it: address range, backing, page words, the scanner's records, and the
/// shim's handle.
/// </summary>
/// <remarks>
/// Guard: the engine's lock, for everything but the shim's calls (break, pin), which any thread may make while it holds
/// a reference on <see cref="Handle"/>. Memory goes when the last of these is released.
/// </remarks>
internal sealed unsafe class GuestRegion : IDisposable
{
    private readonly Backing _backing;
    private readonly PageTableMemory _table;

    // Mapping boundaries found in each stretch of OrderPages pages when it was last counted. See MappingBudget.
    private readonly NativeArray<ushort> _boundaries;
    private bool _isRemoved;

    private GuestRegion(RegionSpec spec, Backing backing, PageTableMemory table, byte* start, RegionHandle handle)
    {
        Spec = spec;
        _backing = backing;
        _table = table;
        Start = start;
        Handle = handle;
        Pages = spec.Pages;
        Records = new PageRecords(spec.MaximumPages);
        _boundaries = NativeArray<ushort>.Allocate((spec.MaximumPages / Shim.OrderPages) + 1);
        Written = new WrittenPages(spec.MaximumPages);
        Copies = spec.FaultMode == FaultMode.Kernel ? new AnonymousCopies(spec.MaximumPages) : null;
    }

    /// <summary>What the region was made from; immutable.</summary>
    public RegionSpec Spec { get; }

    /// <summary>The share domain.</summary>
    public ShareDomain Domain => Spec.Domain;

    /// <summary>First byte of the guest.</summary>
    public byte* Start { get; }

    /// <summary>The shim's region; holds the memory until it is released.</summary>
    public RegionHandle Handle { get; }

    /// <summary>Pages in use; grows.</summary>
    public long Pages { get; private set; }

    /// <summary>The page words.</summary>
    public PageWords Words => _table.Words;

    /// <summary>What the scanner remembers of the pages.</summary>
    public PageRecords Records { get; }

    /// <summary>The bytes as the host sees them.</summary>
    public Backing Backing => _backing;

    /// <summary>Which pages must be looked at.</summary>
    public WrittenPages Written { get; }

    /// <summary>Kernel mode: which broken pages were counted. Null in Signal mode.</summary>
    public AnonymousCopies? Copies { get; }

    /// <summary>The shim's counters.</summary>
    public ShimCounters* Counters => _table.Counters;

    /// <summary>Domain-wide id of the region's first page; set when the region joins its domain.</summary>
    public uint FirstPageId { get; set; }

    /// <summary>
    /// Whether it was taken out and must not be used any more, even if a pin still keeps its memory: a handle is closed
    /// only when the last call or pin ends, which may be in the middle of a scan. Set under the engine's lock, and
    /// readable without.
    /// </summary>
    public bool IsRemoved
    {
        get => Volatile.Read(ref _isRemoved);
        set => Volatile.Write(ref _isRemoved, value);
    }

    /// <summary>Whether the scanner may share its pages.</summary>
    public bool IsSharing { get; set; } = true;

    /// <summary>Mappings that the region takes, as last counted.</summary>
    public long MappingsUsed { get; set; }

    /// <summary>Scanner's figures of this guest.</summary>
    public MergeTally Tally { get; } = new();

    /// <summary>Bytes of tables for this region: words, records, bitmaps. By what is in use, not by what is
    /// reserved.</summary>
    public long MetadataBytes =>
        _table.AllocatedBytes + (Pages * PageRecords.BytesPerPage) + (Pages / Shim.OrderPages * sizeof(ushort))
        + WrittenPages.BytesFor(Pages) + (Copies is null ? 0 : Pages / 8);

    /// <summary>Makes a region of new memory and maps it.</summary>
    /// <exception cref="PlatformException">The system lacks memory, mappings, address space or descriptors.</exception>
    public static GuestRegion Create(IPlatform platform, RegionSpec spec)
    {
        var owned = new Stack<IDisposable>();
        try
        {
            var range = Own(owned, new AddressRange(platform, spec.MaximumPages * PageSize.Bytes));
            return Create(platform, spec, owned, range.Start, adopt: false);
        }
        catch
        {
            DisposeAll(owned);
            throw;
        }
    }

    /// <summary>Makes a region of memory that exists already, while others may write to it.</summary>
    /// <exception cref="PlatformException">As above; the memory is what it was then.</exception>
    public static GuestRegion Adopt(IPlatform platform, RegionSpec spec, byte* start)
    {
        var owned = new Stack<IDisposable>();
        try
        {
            return Create(platform, spec, owned, start, adopt: true);
        }
        catch
        {
            DisposeAll(owned);
            throw;
        }
    }

    /// <summary>Makes the region larger.</summary>
    /// <exception cref="PlatformException">No memory or no mapping; the region is what it was.</exception>
    public void Grow(long pages)
    {
        _backing.Grow(pages * PageSize.Bytes);
        Shim.Require(Shim.GrowRegion(Handle, (ulong)pages), "mapping", $"{pages} pages of guest '{Spec.Name}'");
        Written.MarkUnsettled(new PageNumber(Pages));
        Pages = pages;
    }

    /// <summary>
    /// Kernel mode: counts the breaks among faults that the kernel has told of. Those of other regions are left as they
    /// are.
    /// </summary>
    /// <param name="faults">Page addresses, ascending.</param>
    /// <returns>Breaks counted.</returns>
    public int CountBreaks(Span<nuint> faults)
    {
        var breaks = Copies?.CountNew(Start, faults) ?? 0;
        Tally.KernelBreaks += breaks;
        return breaks;
    }

    /// <summary>Mapping boundaries in a stretch, as last counted.</summary>
    public ref ushort BoundariesOf(PageNumber page) => ref _boundaries[page.Value / Shim.OrderPages];

    /// <summary>Called when the region's mappings are gone.</summary>
    public Action? Released
    {
        set => Handle.Released = value;
    }

    /// <summary>
    /// Lets go of the mappings. They go at once, or when the last call or pin on <see cref="Handle"/> ends.
    /// </summary>
    public void Dispose() => Handle.Dispose();

    /// <summary>Frees the scanner's tables, which are needed until the frames were given back.</summary>
    public void DisposeTables()
    {
        Records.Dispose();
        Written.Dispose();
        Copies?.Dispose();
        _boundaries.Dispose();
    }

    private static GuestRegion Create(
        IPlatform platform, RegionSpec spec, Stack<IDisposable> owned, byte* start, bool adopt)
    {
        var backing = Own(owned, new Backing(
            platform, spec.Name, spec.Pages * PageSize.Bytes, spec.MaximumPages * PageSize.Bytes));
        var table = Own(owned, new PageTableMemory(platform, spec.Name, spec.MaximumPages));
        var config = new ShimRegionConfig
        {
            Base = start,
            Pages = (ulong)spec.Pages,
            ReservedPages = (ulong)spec.MaximumPages,
            Words = table.WordsPointer,
            Counters = table.Counters,
            StoreView = spec.Domain.Store.View,
            BackingView = backing.WritableView,
            BreakTimeoutNanoseconds = (ulong)spec.BreakTimeout.TotalNanoseconds,
            BackingDescriptor = backing.Descriptor,
            StoreDescriptor = spec.Domain.Store.ReaderDescriptor,
            FaultMode = (uint)spec.FaultMode,
            MapNow = adopt ? 0u : 1u,
            TrackWrites = spec.TrackWrites ? 1u : 0u,
        };
        int error;
        var region = Shim.CreateRegion(&config, &error);
        Shim.Require(region == 0 ? error : 0, "mapping", $"guest '{spec.Name}' of {spec.Pages} pages");

        // From here on the handle disposes what was made: first made, last gone.
        var handle = new RegionHandle(region, [.. owned]);
        backing.Region = handle;
        owned.Clear();
        owned.Push(handle);
        var made = new GuestRegion(spec, backing, table, start, handle);
        owned.Push(new Tables(made));
        Shim.Require(adopt ? Shim.Adopt(handle) : 0, "adopting", $"{spec.Pages} pages for guest '{spec.Name}'");
        return made; // nothing can fail any more: what was adopted stays so until it is disowned
    }

    private static T Own<T>(Stack<IDisposable> owned, T made)
        where T : IDisposable
    {
        owned.Push(made);
        return made;
    }

    private static void DisposeAll(Stack<IDisposable> owned)
    {
        while (owned.TryPop(out var made))
        {
            made.Dispose();
        }
    }

    /// <summary>What <see cref="DisposeTables"/> frees, for when making a region fails.</summary>
    private sealed class Tables(GuestRegion region) : IDisposable
    {
        public void Dispose() => region.DisposeTables();
    }
}

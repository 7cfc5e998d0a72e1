using PageShare.Content;
using PageShare.Fault;
using PageShare.Memory;
using PageShare.PageTable;
using PageShare.Platform;

namespace PageShare.Merge;

/// <summary>
/// One guest's region with all that belongs to it: backing, page words, the scanner's records, and who carries orders
/// out. It is mapped in this process, where the shim has a handle of it, or in the guest's own, where an agent waits
/// for orders at the other end of a ring.
/// </summary>
/// <remarks>
/// Guard: the engine's lock, for everything but the shim's calls (break, pin), which any thread may make while it holds
/// a reference on <see cref="Handle"/>. Memory goes when the last of these is released. Of a guest in another process
/// the backing, words and counters are whatever it writes there.
/// </remarks>
internal sealed unsafe class GuestRegion : IDisposable
{
    private readonly Backing _backing;
    private readonly PageTableMemory _table;

    // Mapping boundaries found in each stretch of OrderPages pages when it was last counted. See MappingBudget.
    private readonly NativeArray<ushort> _boundaries;
    private readonly byte* _start;
    private readonly RegionHandle? _handle;
    private bool _isRemoved;
    private bool _isSharing = true;

    private GuestRegion(RegionSpec spec, Backing backing, PageTableMemory table)
    {
        Spec = spec;
        _backing = backing;
        _table = table;
        Pages = spec.Pages;
        Records = new PageRecords(spec.MaximumPages);
        _boundaries = NativeArray<ushort>.Allocate((spec.MaximumPages / Shim.OrderPages) + 1);
        Written = new WrittenPages(spec.MaximumPages);
        Copies = spec.FaultMode == FaultMode.Kernel ? new AnonymousCopies(spec.MaximumPages) : null;
        Budget = spec.Budget;
        Orders = null!; // set by the two that follow
    }

    private GuestRegion(RegionSpec spec, Backing backing, PageTableMemory table, byte* start, RegionHandle handle)
        : this(spec, backing, table)
    {
        _start = start;
        _handle = handle;
        Orders = new LocalOrders(handle);
        ShimCounts = new ShimCounts(table.Counters, isTrusted: true);
    }

    private GuestRegion(RegionSpec spec, Backing backing, PageTableMemory table, RingHandle ring, OrderPatience patience)
        : this(spec, backing, table)
    {
        Ring = new RingOrders(ring, patience, Tally, BackOff);
        Orders = Ring;
        ShimCounts = new ShimCounts(table.Counters, isTrusted: false);
    }

    /// <summary>What the region was made from; immutable.</summary>
    public RegionSpec Spec { get; }

    /// <summary>The share domain.</summary>
    public ShareDomain Domain => Spec.Domain;

    /// <summary>First byte of the guest, in this process.</summary>
    // SAFETY: only the address; the handle says how long it is mapped.
    public byte* Start => _start;

    /// <summary>The shim's region; holds the memory until it is released.</summary>
    /// <exception cref="InvalidOperationException">The guest has a process of its own.</exception>
    public RegionHandle Handle =>
        _handle ?? throw new InvalidOperationException($"Guest '{Spec.Name}' is not mapped in this process.");

    /// <summary>Who carries orders out; immutable.</summary>
    public IRegionOrders Orders { get; }

    /// <summary>The orders' ring, of a guest in another process; else null.</summary>
    public RingOrders? Ring { get; }

    /// <summary>Which runs are worth a mapping in the process that the region is mapped in.</summary>
    public MappingBudget Budget { get; }

    /// <summary>What the handler in that process counts.</summary>
    public ShimCounts ShimCounts { get; } = null!;

    /// <summary>The stores of hosts before this one, until no page shows them any more; null if there were
    /// none.</summary>
    public FormerStores? Former { get; init; }

    /// <summary>Which of the region's stores the domain's is, in the page words.</summary>
    public int Generation { get; init; }

    /// <summary>Whether its pages may come to share frames now: by the user's wish, and because its process takes
    /// orders.</summary>
    public bool CanShare => IsSharing && MayMerge && !BackOff.IsActive && Orders.IsReady;

    /// <summary>Whether stores to its shared pages reach the shim in the process that maps it, as far as
    /// known.</summary>
    public bool MayMerge => !HandlerWasReplaced && (Ring is null || HealthTakenAt is not null);

    /// <summary>Whether the guest's process has lost the fault handler; nothing of it is merged any more
    /// then.</summary>
    public bool HandlerWasReplaced { get; set; }

    /// <summary>When its agent last said how the guest's process is; null: never.</summary>
    public long? HealthTakenAt { get; set; }

    /// <summary>Whether it is left alone since its orders came late too often.</summary>
    public LateBackOff BackOff { get; } = new();

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

    /// <summary>Its table of page words.</summary>
    public PageTableMemory Table => _table;

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
    public bool IsSharing
    {
        get => Volatile.Read(ref _isSharing);
        set => Volatile.Write(ref _isSharing, value);
    }

    /// <summary>Whether each shared page is a mapping by itself.</summary>
    public bool MapsSingly { get; private init; }

    /// <summary>Mappings that the region takes, as last counted.</summary>
    public long MappingsUsed { get; set; }

    /// <summary>Scanner's figures of this guest.</summary>
    public MergeTally Tally { get; } = new();

    /// <summary>Bytes of tables for this region: words, records, bitmaps. By what is in use, not by what is
    /// reserved.</summary>
    public long MetadataBytes =>
        _table.AllocatedBytes + (Pages * PageRecords.BytesPerPage) + (Pages / Shim.OrderPages * sizeof(ushort))
        + WrittenPages.BytesFor(Pages) + (Copies is null ? 0 : Pages / 8) + RingBytes;

    /// <summary>Memory that the ring takes.</summary>
    private long RingBytes => Isolated?.Ring.AllocatedBytes ?? 0;

    /// <summary>The objects that another process maps; null for a guest of this one.</summary>
    public IsolatedMemory? Isolated { get; private init; }

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

    /// <summary>Makes a region that is mapped in another process, of memory that both have.</summary>
    /// <param name="platform">Where memory comes from.</param>
    /// <param name="spec">What it is made from.</param>
    /// <param name="memory">The objects; owned by the region if this returns, else by the caller.</param>
    /// <param name="patience">Bounds waits for its agent.</param>
    /// <param name="former">The stores that its pages may still show, if it had a host before.</param>
    /// <exception cref="PlatformException">The system lacks address space or memory.</exception>
    public static GuestRegion OfProcess(
        IPlatform platform, RegionSpec spec, IsolatedMemory memory, OrderPatience patience, FormerStores? former = null)
    {
        var owned = new Stack<IDisposable>();
        try
        {
            var backing = Own(owned, new Backing(platform, memory.Backing, spec.MaximumPages * PageSize.Bytes));
            var table = Own(owned, new PageTableMemory(platform, memory.Table, spec.MaximumPages));
            var view = Own(owned, platform.Map(memory.Ring, RingHandle.BytesFor(spec.MaximumPages), writable: true));
            var ring = Own(owned, RingHandle.Create(view, spec.MaximumPages));
            return new GuestRegion(spec, backing, table, ring, patience)
            {
                Isolated = memory,
                Former = former,
                Generation = former?.NextGeneration ?? 0,
            };
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
        // Another process has mapped its pages itself, and its objects are as large as they can become from the start.
        if (_handle is { } handle)
        {
            _backing.Grow(pages * PageSize.Bytes);
            Shim.Require(Shim.GrowRegion(handle, (ulong)pages), "mapping", $"{pages} pages of guest '{Spec.Name}'");
        }

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
        var breaks = _handle is null ? 0 : Copies?.CountNew(Start, faults) ?? 0;
        Tally.KernelBreaks += breaks;
        return breaks;
    }

    /// <summary>Enters that a page has ceased to share its frame: the next time it is tried later.</summary>
    public void EndSharing(PageNumber page)
    {
        Domain.Release(Records.FrameOf(page));
        Records.SetPrivate(page);
        Copies?.Clear(page); // it went home, if there was one
        Records.RaiseBackOff(page);
    }

    /// <summary>Mapping boundaries in a stretch, as last counted.</summary>
    public ref ushort BoundariesOf(PageNumber page) => ref _boundaries[page.Value / Shim.OrderPages];

    /// <summary>
    /// Lets go of the mappings. They go at once, or when the last call or pin on <see cref="Handle"/> ends; of another
    /// process they are gone already.
    /// </summary>
    public void Dispose() => Release(null);

    /// <summary>The same, and tells when they are gone.</summary>
    public void Release(Action? released)
    {
        if (_handle is { } handle)
        {
            handle.Released = released;
            handle.Dispose();
            return;
        }

        Orders.Dispose();
        _table.Dispose();
        _backing.Dispose();
        Isolated?.Dispose();
        Former?.Dispose();
        released?.Invoke();
    }

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
            platform, spec.Name, spec.Pages * PageSize.Bytes, spec.MaximumPages * PageSize.Bytes, start));
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
            BreakPages = (uint)spec.BreakPages,
        };
        int error;
        var region = Shim.CreateRegion(&config, &error);
        Shim.Require(region == 0 ? error : 0, "mapping", $"guest '{spec.Name}' of {spec.Pages} pages");

        // From here on the handle disposes what was made: first made, last gone.
        var handle = new RegionHandle(region, [.. owned]);
        backing.Region = handle;
        owned.Clear();
        owned.Push(handle);
        var made = new GuestRegion(spec, backing, table, start, handle)
        {
            MapsSingly = platform.MapsSharedPagesSingly(spec.FaultMode),
        };
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

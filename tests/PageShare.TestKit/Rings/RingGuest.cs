using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using PageShare.Memory;
using PageShare.Metrics;
using PageShare.PageTable;
using PageShare.Platform;

namespace PageShare.TestKit.Rings;

/// <summary>
/// A guest as its own process sees it: its memory objects mapped once more, a region of the shim over them, and an
/// agent on its ring. In a test it may live in the same process as the engine, which knows of it by its ring alone.
/// </summary>
internal sealed unsafe class RingGuest : MappedGuest
{
    private static readonly IPlatform Platform = HostPlatform.Create();

    private readonly RingGuestPlan _plan;
    private readonly AddressRange _range;
    private readonly MemoryObject _backing;
    private readonly PageTableMemory _table;
    private readonly List<IDisposable> _stores = [];
    private MappedMemory _ring = null!;
    private nint _agent;
    private readonly List<FormerStorePath> _former = [];
    private string _store;
    private long _pages;
    private int _generation;
    private bool _isDisposed;

    /// <summary>Maps a guest.</summary>
    /// <param name="plan">What the host has told.</param>
    /// <param name="objects">Its descriptors.</param>
    public RingGuest(RingGuestPlan plan, RingGuestPaths objects)
    {
        Shim.Require(Shim.InstallHandler(), "installing", "the fault handler");
        _plan = plan;
        _pages = plan.Pages;
        _store = "";
        _range = new AddressRange(Platform, plan.MaximumPages * PageSize.Bytes);
        _backing = Open(objects.Backing, isWritten: true);
        _table = new PageTableMemory(Platform, Open(objects.Table, isWritten: true), plan.MaximumPages);
        MapRing(objects.Ring);
        var store = MapStore(objects.Store, plan.StoreBytes, out var view);
        var tracks = plan.TrackWrites && Shim.StartTracking() == 0;
        var config = new ShimRegionConfig
        {
            Base = _range.Start,
            Pages = (ulong)plan.Pages,
            ReservedPages = (ulong)plan.MaximumPages,
            Words = _table.WordsPointer,
            Counters = _table.Counters,
            StoreView = view,
            BreakTimeoutNanoseconds = (ulong)plan.BreakTimeout.TotalNanoseconds,
            BackingDescriptor = _backing.Descriptor,
            StoreDescriptor = store,
            FaultMode = (uint)plan.FaultMode,
            MapNow = 1,
            TrackWrites = tracks ? 1u : 0u,
            StoreFrames = (uint)Math.Min(plan.StoreBytes / PageSize.Bytes, uint.MaxValue),
            BreakPages = (uint)plan.BreakPages,
        };
        int error;
        var region = Shim.CreateRegion(&config, &error);
        Shim.Require(region == 0 ? error : 0, "mapping", $"guest '{plan.Name}'");
        Handle = new RegionHandle(region, _range, _table, _backing);
    }

    /// <inheritdoc/>
    public override string Name => _plan.Name;

    /// <inheritdoc/>
    public override string Domain => _plan.Domain;

    /// <inheritdoc/>
    public override FaultMode FaultMode => _plan.FaultMode;

    /// <summary>Nobody is told: the engine's side has a switch of its own.</summary>
    public override bool Sharing { get; set; } = true;

    /// <inheritdoc/>
    public override long Length => _pages * PageSize.Bytes;

    /// <inheritdoc/>
    public override long MaximumLength => _plan.MaximumPages * PageSize.Bytes;

    /// <summary>The page words, for tests that forge them.</summary>
    public ulong* Words => _table.WordsPointer;

    /// <summary>The counters, likewise.</summary>
    public ShimCounters* Counters => _table.Counters;

    /// <summary>The ring, likewise.</summary>
    public byte* Ring => _ring.Address;

    /// <summary>Whether its agent runs.</summary>
    public bool HasAgent => _agent != 0;

    /// <summary>Told when it has grown.</summary>
    public Action<long>? Grown { get; set; }

    internal override RegionHandle Handle { get; }

    internal override bool IsDisposed => _isDisposed;

    internal override byte* Start => _range.Start;

    /// <summary>Starts the agent.</summary>
    public void StartAgent()
    {
        int error;
        _agent = RingNative.StartAgent(Handle, _ring.Address, (ulong)_ring.Length, &error);
        Shim.Require(_agent == 0 ? error : 0, "starting", "an agent");
    }

    /// <summary>Ends the agent; an order under way is finished, others stay unanswered.</summary>
    public void StopAgent()
    {
        if (_agent != 0)
        {
            _ = RingNative.StopAgent(_agent);
            _agent = 0;
        }
    }

    /// <summary>What it hands over to a new host: descriptors of its own, which stay its own.</summary>
    public ResumeSpec HandOver(int processId = 1) => new()
    {
        Name = Name,
        Bytes = Length,
        MaximumBytes = MaximumLength,
        Domain = Domain,
        ProcessId = processId,
        FaultMode = FaultMode,
        Backing = OpenAnew($"/proc/self/fd/{_backing.Descriptor}"),
        Table = OpenAnew($"/proc/self/fd/{_table.Memory.Descriptor}"),
        Stores = [.. _former.Append(new FormerStorePath(_generation, _store)).Select(static store =>
            new FormerStore(store.Generation, OpenAnew(store.Path, isWritten: false)))],
        NextGeneration = _generation + 1,
    };

    /// <summary>Goes over to another host's ring and store; the agent must not run.</summary>
    public void SetHost(RingGuestPaths objects, long storeBytes)
    {
        _ring.Dispose();
        MapRing(objects.Ring);
        _former.Add(new FormerStorePath(_generation, _store));
        var descriptor = MapStore(objects.Store, storeBytes, out var view);
        var generation = (int)Shim.Require(RingNative.SetStore(Handle, descriptor, view), "changing", "the store");
        Assert.Equal(_generation + 1, generation);
        _generation = generation;
    }

    /// <inheritdoc/>
    public override GuestSnapshot Snapshot() => throw new NotSupportedException("Ask the host.");

    /// <inheritdoc/>
    public override void Dispose()
    {
        if (!_isDisposed)
        {
            _isDisposed = true;
            StopAgent();
            Handle.Dispose();
            _ring.Dispose();
            _stores.ForEach(static store => store.Dispose());
        }
    }

    internal override void GrowTo(long newSizeInBytes)
    {
        var pages = newSizeInBytes / PageSize.Bytes;
        Shim.Require(Shim.GrowRegion(Handle, (ulong)pages), "mapping", $"{pages} pages");
        _pages = pages;
        Grown?.Invoke(pages);
    }

    /// <summary>A descriptor of its own, as if it had come over a socket.</summary>
    public static SafeFileHandle OpenAnew(string path, bool isWritten = true) => File.OpenHandle(
        path, FileMode.Open, isWritten ? FileAccess.ReadWrite : FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);

    private static MemoryObject Open(string path, bool isWritten) =>
        Platform.BetweenProcesses!.Accept(OpenAnew(path, isWritten), "object", null, isWritten);

    private void MapRing(string path)
    {
        using var memory = Open(path, isWritten: true);
        _ring = Platform.Map(memory, RingHandle.BytesFor(_plan.MaximumPages), writable: true);
    }

    private int MapStore(string path, long bytes, out byte* address)
    {
        var store = Open(path, isWritten: false);
        var view = Platform.Map(store, bytes, writable: false);
        _stores.Add(view);
        _stores.Add(store);
        _store = $"/proc/self/fd/{store.Descriptor}";
        address = view.Address; // SAFETY: the view lives as long as this guest.
        return store.Descriptor;
    }
}

/// <summary>A store of a generation that pages may still show.</summary>
internal readonly record struct FormerStorePath(int Generation, string Path);

/// <summary>What a host tells a guest beside its descriptors.</summary>
internal sealed record RingGuestPlan(
    string Name, string Domain, long Pages, long MaximumPages, long StoreBytes, FaultMode FaultMode, bool TrackWrites,
    TimeSpan BreakTimeout, int BreakPages)
{
    /// <summary>Of a guest of this engine.</summary>
    public static RingGuestPlan Of(IsolatedGuest guest) => new(
        guest.Name, guest.Domain, guest.Pages, guest.MaximumPages, guest.StoreBytes, guest.FaultMode, guest.TrackWrites,
        guest.BreakTimeout, guest.BreakPages);
}

/// <summary>Where a guest's descriptors can be opened anew: by their paths in /proc.</summary>
internal sealed record RingGuestPaths(string Backing, string Table, string Ring, string Store)
{
    /// <summary>Of a guest of an engine in this process.</summary>
    public static RingGuestPaths Of(IsolatedGuest guest)
    {
        var all = guest.Descriptors;
        return new(PathOf(all.Backing), PathOf(all.Table), PathOf(all.Ring), PathOf(all.Store));
    }

    private static string PathOf(SafeHandle handle) =>
        $"/proc/{Environment.ProcessId}/fd/{(int)handle.DangerousGetHandle()}";
}

using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using PageShare.Memory;
using PageShare.PageTable;
using PageShare.Platform;
using PageShare.Protocol;
using PageShare.Protocol.Messages;

namespace PageShare.Attachment;

/// <summary>
/// A guest's region in this process: mapped from what a host has sent, known to the fault handler, and served by an
/// agent that carries out the host's orders.
/// </summary>
/// <remarks>
/// Guard: the guest's lock, but for calls of the shim by <see cref="Handle"/> and reads of page words, which any thread
/// may make.
/// </remarks>
internal sealed unsafe class AttachedRegion : IDisposable
{
    // What comes with Allocated.
    private const int BackingAt = 0;
    private const int TableAt = 1;
    private const int RingAt = 2;
    private const int StoreAt = 3;

    // What comes with Resumed.
    private const int NewRingAt = 0;
    private const int NewStoreAt = 1;

    /// <summary>Descriptors of stores that a resume can carry, beside backing and table.</summary>
    private const int MostStores = FrameHeader.MaximumDescriptors - 2;

    private readonly IPlatform _platform;
    private readonly StoreTable _table;
    private readonly long _storeBytes;
    private readonly PageTableMemory _words;
    private readonly MemoryObject _backing;
    private readonly RegionStores _stores;
    private AgentRing _ring;
    private long _mappedPages;

    private AttachedRegion(
        IPlatform platform, StoreTable table, Parts parts, RegionHandle handle, byte* start, AllocatedAnswer answer)
    {
        _platform = platform;
        _table = table;
        _storeBytes = answer.StoreBytes;
        _words = parts.Table!;
        _backing = parts.Backing!;
        _stores = parts.Stores!;
        _ring = parts.Ring!;
        _mappedPages = answer.Pages;
        MaximumPages = answer.MaximumPages;
        Handle = handle;
        Start = start;
    }

    /// <summary>First byte of the guest.</summary>
    public byte* Start { get; }

    /// <summary>The shim's region; holds the memory until it is released.</summary>
    public RegionHandle Handle { get; }

    /// <summary>Most pages.</summary>
    public long MaximumPages { get; }

    /// <summary>The page words.</summary>
    public PageWords Words => _words.Words;

    /// <summary>Whether pages may show frames of former hosts, whose stores are kept for that.</summary>
    public bool HasFormerStores => _stores.HasFormer;

    /// <summary>The generation that the next host's store will have.</summary>
    public int NextGeneration => _stores.Current + 1;

    /// <summary>Maps what a host has sent; the agent is not started yet.</summary>
    /// <param name="platform">Where memory comes from.</param>
    /// <param name="table">The process's stores.</param>
    /// <param name="host">The host.</param>
    /// <param name="name">The guest's name, for messages.</param>
    /// <param name="answer">What the host said of it.</param>
    /// <param name="frame">The frame with the descriptors; those that are not used stay with it.</param>
    /// <exception cref="UntrustedMemoryException">What was sent is not what it should be.</exception>
    /// <exception cref="PlatformException">The system lacks memory, mappings or address space.</exception>
    public static AttachedRegion Create(
        IPlatform platform, StoreTable table, Guid host, string name, AllocatedAnswer answer, Frame frame)
    {
        RequireSane(answer);
        var parts = new Parts();
        try
        {
            parts.Backing = ReceivedMemory.Accept(
                platform,
                frame.Descriptors[BackingAt],
                "backing",
                answer.MaximumPages * PageSize.Bytes,
                isWritten: true);
            parts.Table = new PageTableMemory(
                platform,
                ReceivedMemory.Accept(
                    platform,
                    frame.Descriptors[TableAt],
                    "page table",
                    PageTableMemory.BytesFor(answer.MaximumPages),
                    isWritten: true),
                answer.MaximumPages);
            parts.Ring = MapRing(platform, frame.Descriptors[RingAt], answer.MaximumPages);
            parts.Stores = new RegionStores(
                table, table.Take(platform, host, frame.Descriptors[StoreAt], answer.StoreBytes));
            parts.Range = new AddressRange(platform, answer.MaximumPages * PageSize.Bytes);
            var region = CreateRegion(parts, name, answer);
            var handle = new RegionHandle(region, parts.Range, parts.Table, parts.Backing, parts.Stores);
            return new AttachedRegion(platform, table, parts, handle, parts.Range.Start, answer);
        }
        catch
        {
            parts.Dispose();
            throw;
        }
    }

    /// <summary>Starts the agent: orders may come.</summary>
    /// <exception cref="PlatformException">There is no thread to be had, or the ring is none.</exception>
    public void StartAgent() => _ring.Start(Handle);

    /// <summary>Ends the agent: nothing is merged from then on.</summary>
    public void StopAgent() => _ring.Stop();

    /// <summary>Maps pages up to a size. What is mapped stays, even if the guest is not told of it.</summary>
    /// <exception cref="PlatformException">No memory or no mapping; the region is what it was.</exception>
    public void Grow(long pages, string name)
    {
        if (pages > _mappedPages)
        {
            Shim.Require(Shim.GrowRegion(Handle, (ulong)pages), "mapping", $"{pages} pages of guest '{name}'");
            _mappedPages = pages;
        }
    }

    /// <summary>
    /// What a new host needs to take the guest over, by generation of the stores: backing, page table, and the stores
    /// that pages show. The agent must be stopped.
    /// </summary>
    public (IReadOnlyList<int> Generations, SafeHandle[] Descriptors) PrepareResume()
    {
        var named = RegionStores.FindNamed(Words, _mappedPages);
        if (named.Count > MostStores)
        {
            // After that many hosts in a short time the oldest pages come home. If there is no memory for them now, the
            // host refuses a page that names a store which it can't see, and a later try may do better.
            BreakGenerationsBelow(named[^MostStores]);
            named = RegionStores.FindNamed(Words, _mappedPages);
        }

        _stores.DropFormerBut(named);
        IReadOnlyList<int> sent = [.. named.TakeLast(MostStores)];
        return (sent, [_backing, _words.Memory, .. sent.Select(generation => _stores[generation].Memory)]);
    }

    /// <summary>Goes on with the ring and the store of another host. The agent must be stopped, and stays so.</summary>
    /// <param name="host">The host.</param>
    /// <param name="frame">The frame with the descriptors.</param>
    /// <exception cref="UntrustedMemoryException">What was sent is not what it should be.</exception>
    /// <exception cref="PlatformException">The system lacks memory, mappings or address space, or there were more
    /// hosts than page words can tell apart. The region is what it was.</exception>
    public void ChangeHost(Guid host, Frame frame)
    {
        var ring = MapRing(_platform, frame.Descriptors[NewRingAt], MaximumPages);
        SharedStore? store = null;
        try
        {
            // Its view has the first one's length, which is how far the shim counts frames.
            store = _table.Take(_platform, host, frame.Descriptors[NewStoreAt], _storeBytes);
            var generation = RingNative.SetStore(Handle, store.Memory.Descriptor, store.View.Address);
            Shim.Require(generation, "changing", "the frame store");
            _stores.Add(generation, store);
        }
        catch
        {
            ring.Dispose();
            if (store is not null)
            {
                _table.Release(store);
            }

            throw;
        }

        _ring.Dispose();
        _ring = ring;
    }

    /// <summary>Gives up stores of former hosts that no page shows any more.</summary>
    public void DropFormerStores()
    {
        if (_stores.HasFormer)
        {
            _stores.DropFormerBut(RegionStores.FindNamed(Words, _mappedPages));
        }
    }

    /// <summary>Ends the agent and lets go of the mappings, which go at once, or with the last pin.</summary>
    public void Dispose()
    {
        _ring.Dispose();
        Handle.Dispose();
    }

    private static AgentRing MapRing(IPlatform platform, SafeFileHandle received, long maximumPages)
    {
        var bytes = (long)RingNative.Bytes((ulong)maximumPages);
        using var memory = ReceivedMemory.Accept(platform, received, "ring", bytes, isWritten: true);
        return new AgentRing(platform, memory, bytes);
    }

    private static nint CreateRegion(Parts parts, string name, AllocatedAnswer answer)
    {
        var store = parts.Stores![0];
        var config = new ShimRegionConfig
        {
            Base = parts.Range!.Start,
            Pages = (ulong)answer.Pages,
            ReservedPages = (ulong)answer.MaximumPages,
            Words = parts.Table!.WordsPointer,
            Counters = parts.Table.Counters,
            StoreView = store.View.Address,
            BreakTimeoutNanoseconds = (ulong)answer.BreakTimeoutNanoseconds,
            BackingDescriptor = parts.Backing!.Descriptor,
            StoreDescriptor = store.Memory.Descriptor,
            FaultMode = (uint)answer.FaultMode,
            MapNow = 1,
            TrackWrites = answer.TrackWrites && Shim.StartTracking() == 0 ? 1u : 0u,
            StoreFrames = (uint)Math.Min(answer.StoreBytes / PageSize.Bytes, FrameNumber.MaximumFrames),
            BreakPages = (uint)answer.BreakPages,
        };

        // SAFETY: all that the config points to is mapped, and disposed by the region's handle after the region.
        int error;
        var region = Shim.CreateRegion(&config, &error);
        Shim.Require(region == 0 ? error : 0, "mapping", $"guest '{name}' of {answer.Pages} pages");
        return region;
    }

    private static void RequireSane(AllocatedAnswer answer)
    {
        const long Most = long.MaxValue / PageSize.Bytes / 2; // guard pages and tables included
        if (answer.Pages <= 0 || answer.MaximumPages < answer.Pages || answer.MaximumPages > Most
            || RingNative.Bytes((ulong)answer.MaximumPages) == 0
            || answer.StoreBytes <= 0 || !PageSize.IsAligned(answer.StoreBytes) || answer.BreakTimeoutNanoseconds < 0
            || answer.BreakPages < 1)
        {
            throw new UntrustedMemoryException($"The host's sizes make no sense: {answer}.");
        }
    }

    private void BreakGenerationsBelow(int oldestKept)
    {
        for (var page = new PageNumber(0); page.Value < _mappedPages; page++)
        {
            var word = Words.Read(page);
            if (PageStates.NamesFrame(word.State) && word.Generation < oldestKept)
            {
                _ = Shim.Break(Handle, (ulong)page.Value, 1);
            }
        }
    }

    /// <summary>What a region is made of, while it is being made.</summary>
    private sealed class Parts : IDisposable
    {
        public MemoryObject? Backing { get; set; }

        public PageTableMemory? Table { get; set; }

        public AgentRing? Ring { get; set; }

        public RegionStores? Stores { get; set; }

        public AddressRange? Range { get; set; }

        public void Dispose()
        {
            Ring?.Dispose();
            Range?.Dispose();
            Table?.Dispose();
            Backing?.Dispose();
            Stores?.Dispose();
        }
    }
}

namespace PageShare.Platform;

/// <summary>
/// What the engine asks of an operating system beside the native shim: memory objects, address space, and figures.
/// </summary>
/// <remarks>One implementation a system, chosen in <see cref="HostPlatform"/>. Thread-safe.</remarks>
internal interface IPlatform
{
    /// <summary>How a page is kept still while it is compared, for snapshots: "mprotect".</summary>
    string SealKind { get; }

    /// <summary>Where the copies are found that the kernel made in fault mode Kernel: "pagemap", or "working
    /// set".</summary>
    string CopyCounting { get; }

    /// <summary>Where the idle policy learns how busy the machine is.</summary>
    ILoadSource LoadSource { get; }

    /// <summary>Most mappings that this process may have.</summary>
    int MappingLimit { get; }

    /// <summary>Whether each page of a guest that shares a frame is a mapping by itself, even if its neighbour's frame
    /// continues its own.</summary>
    bool MapsSharedPagesSingly(FaultMode mode);

    /// <summary>Whether a page that is mapped anew shows the old page or the new one at any moment, and never
    /// none.</summary>
    bool ReplacesMappingsAtomically { get; }

    /// <summary>Mappings that this process has now. Costs about a microsecond a mapping.</summary>
    int CountMappings();

    /// <summary>Bytes of memory in the machine.</summary>
    long MemoryBytes { get; }

    /// <summary>Bytes of memory and swap space: no guest can be larger.</summary>
    long MemoryAndSwapBytes { get; }

    /// <summary>Makes a memory object that can grow but never shrink.</summary>
    /// <param name="name">Shown by the system's tools; not unique.</param>
    /// <param name="bytes">Its size; memory is taken where it is written.</param>
    /// <param name="maximumBytes">The size that it may grow to; null: this one.</param>
    /// <exception cref="PlatformException">Out of descriptors or memory.</exception>
    MemoryObject CreateMemoryObject(string name, long bytes, long? maximumBytes = null);

    /// <summary>Maps a memory object from its start. A forked child does not have the mapping.</summary>
    /// <param name="memory">The object. May be smaller than the view, and grow into it.</param>
    /// <param name="bytes">Length of the view.</param>
    /// <param name="writable">Whether the view may be written.</param>
    /// <exception cref="PlatformException">No address space, or no mapping to be had.</exception>
    MappedMemory Map(MemoryObject memory, long bytes, bool writable);

    /// <summary>Reserves address space that faults on every access.</summary>
    /// <exception cref="PlatformException">No address space.</exception>
    MappedMemory Reserve(long bytes);

    /// <summary>Reserves zeroed private memory that is taken where it is touched.</summary>
    /// <param name="bytes">How much.</param>
    /// <param name="isDense">Whether all of it will be touched, in any order: then it may be taken in large
    /// pieces.</param>
    /// <exception cref="PlatformException">No address space.</exception>
    MappedMemory Allocate(long bytes, bool isDense = false);

    /// <summary>
    /// Says which pages of a guest's backing have memory behind them, whether or not this process ever touched them,
    /// without giving any to those that have none: lowest bit of one byte a page.
    /// </summary>
    /// <param name="region">The guest's region, for systems that can only be asked about its own mappings; null for a
    /// guest in another process, which no such system has.</param>
    /// <param name="view">First page in a view of the backing.</param>
    /// <param name="firstPage">Its number.</param>
    /// <param name="resident">One byte a page.</param>
    /// <param name="pages">How many pages, at most as many as there are bytes.</param>
    /// <exception cref="PlatformException">The range is not mapped.</exception>
    unsafe void QueryResidency(RegionHandle? region, byte* view, long firstPage, byte[] resident, int pages);

    /// <summary>How memory is shared with guests in other processes; null where it cannot be.</summary>
    IProcessSharing? BetweenProcesses { get; }

    /// <summary>Why existing memory cannot become a guest here; null where it can.</summary>
    string? WhyNoAdoption { get; }

    /// <summary>Whether all of the range is private anonymous memory that may be read and written.</summary>
    unsafe bool IsPrivateAnonymous(byte* address, long bytes);
}

using PageShare.Platform;

namespace PageShare.Memory;

/// <summary>
/// A region's own memory object: page i lives at offset i × 4096, always. The host reads it through a linear view,
/// never through the guest's mapping, so it needs no luck with seals and faults.
/// </summary>
/// <remarks>
/// Reading a hole through the view would allocate it, so callers know by <see cref="QueryResidency"/> or by their
/// records that a page is there. Thread-safe but for <see cref="Grow"/>, which the engine's lock guards.
/// </remarks>
internal sealed unsafe class Backing : IDisposable
{
    private readonly IPlatform _platform;
    private readonly MemoryObject _memory;
    private readonly MappedMemory _view;

    /// <summary>Makes the backing of a guest.</summary>
    /// <param name="platform">Where memory comes from.</param>
    /// <param name="name">The guest's name.</param>
    /// <param name="bytes">Its size now.</param>
    /// <param name="maximumBytes">The size that it may grow to; address space for that much is taken.</param>
    /// <exception cref="PlatformException">Out of descriptors or address space.</exception>
    public Backing(IPlatform platform, string name, long bytes, long maximumBytes)
        : this(platform, platform.CreateMemoryObject($"pageshare-guest:{name}", bytes, maximumBytes), maximumBytes)
    {
    }

    /// <summary>Views a backing that exists, of a guest in another process.</summary>
    /// <param name="platform">Where memory comes from.</param>
    /// <param name="memory">The object, which cannot shrink; owned by this one, also when this throws.</param>
    /// <param name="maximumBytes">Its bytes, now or later.</param>
    /// <exception cref="PlatformException">Out of address space.</exception>
    public Backing(IPlatform platform, MemoryObject memory, long maximumBytes)
    {
        _platform = platform;
        _memory = memory;
        try
        {
            _view = platform.Map(_memory, maximumBytes, writable: false);
        }
        catch
        {
            _memory.Dispose();
            throw;
        }
    }

    /// <summary>The descriptor, for the shim.</summary>
    public int Descriptor => _memory.Descriptor;

    /// <summary>Memory that it takes, by the kernel's count.</summary>
    public long AllocatedBytes => _memory.AllocatedBytes;

    /// <summary>Where the shim can write it, on systems that need that; else null.</summary>
    public byte* WritableView => _memory.WritableView;

    /// <summary>The region that it backs, set once the shim has made it; null for one of another process.</summary>
    public RegionHandle? Region
    {
        private get;
        set
        {
            field = value;
            _memory.BelongTo(value!);
        }
    }

    /// <summary>The object, to be sent to the guest's process.</summary>
    public MemoryObject Memory => _memory;

    /// <summary>The page's bytes, which the guest may write at any moment: two reads may differ.</summary>
    public byte* PageAt(PageNumber page) => _view.Address + page.Offset;

    /// <summary>The same, as a span for one look. It must not outlive the region.</summary>
    public ReadOnlySpan<byte> ReadPage(PageNumber page) =>
        // SAFETY: inside the view, which is as long as the region may become; a page above the region's end is never
        // asked for.
        new(_view.Address + page.Offset, PageSize.Bytes);

    /// <summary>Which pages are there: lowest bit of resident[i] for page first + i.</summary>
    public void QueryResidency(PageNumber first, byte[] resident, int count) =>
        _platform.QueryResidency(Region, _view.Address + first.Offset, first.Value, resident, count);

    /// <summary>Makes it larger, within the maximum.</summary>
    public void Grow(long bytes) => _memory.Grow(bytes);

    /// <inheritdoc/>
    public void Dispose()
    {
        _view.Dispose();
        _memory.Dispose();
    }
}

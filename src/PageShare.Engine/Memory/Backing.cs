using System.Runtime.Intrinsics.X86;
using PageShare.Platform;

namespace PageShare.Memory;

/// <summary>
/// A region's own memory object: page i lives at offset i × 4096, always.
/// </summary>
/// <remarks>
/// <para>The host reads a guest of its own process through the guest's mapping, where that is never without a page for
/// a moment: the processor has touched its pages already, while the first touch of another view costs as much as two
/// hashes a page, and page tables. Elsewhere there is a linear view. Through either, only pages that share no frame are
/// read; through the mapping alone, the kernel's copies of frames as well.</para>
/// <para>Reading a hole would allocate it, so callers know by <see cref="QueryResidency"/> or by their records that a
/// page is there. Thread-safe but for <see cref="Grow"/>, which the engine's lock guards.</para>
/// </remarks>
internal sealed unsafe class Backing : IDisposable
{
    private const int CacheLineBytes = 64;

    private readonly IPlatform _platform;
    private readonly MemoryObject _memory;
    private readonly MappedMemory? _view; // null where the guest's mapping serves
    private readonly byte* _first;

    /// <summary>Makes the backing of a guest of this process.</summary>
    /// <param name="platform">Where memory comes from.</param>
    /// <param name="name">The guest's name.</param>
    /// <param name="bytes">Its size now.</param>
    /// <param name="maximumBytes">The size that it may grow to; address space for that much is taken.</param>
    /// <param name="mapping">Where the guest has it mapped, or will before anything is read.</param>
    /// <exception cref="PlatformException">Out of descriptors or address space.</exception>
    public Backing(IPlatform platform, string name, long bytes, long maximumBytes, byte* mapping)
    {
        _platform = platform;
        _memory = platform.CreateMemoryObject($"pageshare-guest:{name}", bytes, maximumBytes);
        _view = platform.ReplacesMappingsAtomically ? null : MapOrDispose(maximumBytes);
        _first = _view is null ? mapping : _view.Address;
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
        _view = MapOrDispose(maximumBytes);
        _first = _view.Address;
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
    public byte* PageAt(PageNumber page) => _first + page.Offset;

    /// <summary>The same, as a span for one look. It must not outlive the region.</summary>
    public ReadOnlySpan<byte> ReadPage(PageNumber page) =>
        // SAFETY: the region's own mapping, or a view as long as the region may become; a page above the region's end is
        // never asked for.
        new(PageAt(page), PageSize.Bytes);

    /// <summary>Asks for the page's bytes, which are to be read soon.</summary>
    public void Prefetch(PageNumber page)
    {
        if (Sse.IsSupported)
        {
            // SAFETY: a prefetch reads nothing that could be seen, never faults, and gives no memory to a hole.
            for (var offset = 0; offset < PageSize.Bytes; offset += CacheLineBytes)
            {
                Sse.Prefetch0(PageAt(page) + offset);
            }
        }
    }

    /// <summary>Which pages are there: lowest bit of resident[i] for page first + i. Says nothing of pages that share a
    /// frame.</summary>
    public void QueryResidency(PageNumber first, byte[] resident, int count) =>
        _platform.QueryResidency(Region, PageAt(first), first.Value, resident, count);

    /// <summary>Makes it larger, within the maximum.</summary>
    public void Grow(long bytes) => _memory.Grow(bytes);

    /// <inheritdoc/>
    public void Dispose()
    {
        _view?.Dispose();
        _memory.Dispose();
    }

    private MappedMemory MapOrDispose(long bytes)
    {
        try
        {
            return _platform.Map(_memory, bytes, writable: false);
        }
        catch
        {
            _memory.Dispose();
            throw;
        }
    }
}

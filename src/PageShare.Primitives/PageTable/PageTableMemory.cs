using PageShare.Memory;
using PageShare.Platform;

namespace PageShare.PageTable;

/// <summary>
/// The memory object behind a region's page words, with the shim's counters in front: what a guest in a process of its
/// own will share with the host.
/// </summary>
/// <remarks>
/// <code>
///  0                         HeaderBytes
///  +-------------------------+--------------------------------------+
///  | ps_guest_counters       | page words, 8 bytes a page           |
///  +-------------------------+--------------------------------------+
/// </code>
/// As large as the region may become, and takes memory where words are touched.
/// </remarks>
internal sealed unsafe class PageTableMemory : IDisposable
{
    private const int BytesPerWord = sizeof(ulong);

    private static readonly long HeaderBytes = PageSize.PagesIn(sizeof(ShimCounters)) * PageSize.Bytes;

    private readonly MemoryObject _memory;
    private readonly MappedMemory _view;

    /// <summary>Makes the table of a guest; every word says Private.</summary>
    /// <exception cref="PlatformException">Out of descriptors or address space.</exception>
    public PageTableMemory(IPlatform platform, string name, long maximumPages)
    {
        var bytes = HeaderBytes + (PageSize.PagesIn(maximumPages * BytesPerWord) * PageSize.Bytes);
        _memory = platform.CreateMemoryObject($"pageshare-table:{name}", bytes);
        try
        {
            _view = platform.Map(_memory, bytes, writable: true);
        }
        catch
        {
            _memory.Dispose();
            throw;
        }

        Words = new PageWords(WordsPointer, maximumPages);
    }

    /// <summary>The words.</summary>
    public PageWords Words { get; }

    // SAFETY: the view is as long as header and words together; both pointers live as long as this object, which the
    // region's handle disposes last.

    /// <summary>The words' memory, for the shim.</summary>
    public ulong* WordsPointer => (ulong*)(_view.Address + HeaderBytes);

    /// <summary>The shim's counters; it adds to them at any time.</summary>
    public ShimCounters* Counters => (ShimCounters*)_view.Address;

    /// <summary>Memory that the table takes, by the kernel's count.</summary>
    public long AllocatedBytes => _memory.AllocatedBytes;

    /// <inheritdoc/>
    public void Dispose()
    {
        _view.Dispose();
        _memory.Dispose();
    }
}

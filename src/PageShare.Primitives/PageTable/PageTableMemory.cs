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

    /// <summary>Bytes in front of the words.</summary>
    public static readonly long HeaderBytes = PageSize.PagesIn(sizeof(ShimCounters)) * PageSize.Bytes;

    private readonly MemoryObject _memory;
    private readonly MappedMemory _view;

    /// <summary>Makes the table of a guest; every word says Private.</summary>
    /// <exception cref="PlatformException">Out of descriptors or address space.</exception>
    public PageTableMemory(IPlatform platform, string name, long maximumPages)
        : this(platform, platform.CreateMemoryObject($"pageshare-table:{name}", BytesFor(maximumPages)), maximumPages)
    {
    }

    /// <summary>Views a table in memory that exists, and that another process may write.</summary>
    /// <param name="platform">Where memory comes from.</param>
    /// <param name="memory">An object of <see cref="BytesFor"/> bytes; owned by this one, also when this
    /// throws.</param>
    /// <param name="maximumPages">Pages that have a word.</param>
    /// <exception cref="PlatformException">Out of address space.</exception>
    public PageTableMemory(IPlatform platform, MemoryObject memory, long maximumPages)
    {
        _memory = memory;
        try
        {
            _view = platform.Map(_memory, BytesFor(maximumPages), writable: true);
        }
        catch
        {
            _memory.Dispose();
            throw;
        }

        Words = new PageWords(WordsPointer, maximumPages);
    }

    /// <summary>Bytes of a table for so many pages.</summary>
    public static long BytesFor(long maximumPages) =>
        HeaderBytes + (PageSize.PagesIn(maximumPages * BytesPerWord) * PageSize.Bytes);

    /// <summary>The object, to be sent to the guest's process.</summary>
    public MemoryObject Memory => _memory;

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

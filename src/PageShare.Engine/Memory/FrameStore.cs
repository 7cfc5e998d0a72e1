using PageShare.Platform;

namespace PageShare.Memory;

/// <summary>
/// The frames of one share domain: a memory object that only the host writes, and only where no page maps it.
/// </summary>
/// <remarks>
/// The object grows in steps as frames are taken and never shrinks, since a truncation would also destroy the kernel's
/// private copies above it; free frames are punched instead. All regions of the domain map it through one read-only
/// descriptor: only mappings of the same open file join. Not thread-safe: guarded by the engine's lock.
/// </remarks>
internal sealed unsafe class FrameStore : IDisposable
{
    // Small, since whoever holds a descriptor can allocate frames by reading holes: the size bounds the waste.
    private const long GrowthBytes = 4L << 20;

    private readonly MemoryObject _memory;
    private readonly MemoryObject _reader;
    private readonly MappedMemory _view;
    private readonly FrameAllocator _allocator;
    private long _size;
    private bool _isFrozen;

    /// <summary>Makes an empty store.</summary>
    /// <param name="platform">Where memory comes from.</param>
    /// <param name="name">Name of the share domain.</param>
    /// <param name="maximumBytes">Most that it may hold; address space for that much is reserved.</param>
    /// <exception cref="PlatformException">Out of descriptors or address space.</exception>
    public FrameStore(IPlatform platform, string name, long maximumBytes)
    {
        var frames = Math.Min(PageSize.PagesIn(maximumBytes), FrameNumber.MaximumFrames);
        _memory = platform.CreateMemoryObject($"pageshare-store:{name}", 0, frames * PageSize.Bytes);
        try
        {
            _reader = _memory.OpenReadOnly();
            _view = platform.Map(_memory, frames * PageSize.Bytes, writable: false);
            _allocator = new FrameAllocator(frames);
        }
        catch
        {
            // Descriptors above all: who has none left can't wait for a finalizer.
            _view?.Dispose();
            _reader?.Dispose();
            _memory.Dispose();
            throw;
        }
    }

    /// <summary>Linear view of all frames; reading a free one is not allowed: it would take memory, or fault.</summary>
    public byte* View => _view.Address;

    /// <summary>A frame's bytes.</summary>
    /// <param name="frame">A frame that was taken and filled; a free one must not be read.</param>
    public ReadOnlySpan<byte> ReadFrame(FrameNumber frame) =>
        // SAFETY: inside the view by the allocator's bounds; only the host writes frames, under the engine's lock as
        // here.
        new(View + frame.Offset, PageSize.Bytes);

    /// <summary>The read-only descriptor that every region of the domain maps.</summary>
    public int ReaderDescriptor => _reader.Descriptor;

    /// <summary>The same, to be sent to guests in other processes.</summary>
    public MemoryObject Reader => _reader;

    /// <summary>Length of the view, and of any guest's: the store grows into it.</summary>
    public long ViewBytes => _view.Length;

    /// <summary>Frames taken.</summary>
    public long LiveFrames => _allocator.Live;

    /// <summary>One more than the highest frame taken.</summary>
    public long HighWater => _allocator.HighWater;

    /// <summary>Memory that the frames take, by the kernel's count.</summary>
    public long AllocatedBytes => _memory.AllocatedBytes;

    /// <summary>Bytes of bookkeeping.</summary>
    public long MetadataBytes => _allocator.Bytes;

    /// <summary>Takes up to <paramref name="wanted"/> neighbouring frames; <paramref name="got"/> may be less, or
    /// 0.</summary>
    public FrameNumber Allocate(int wanted, out int got) => _allocator.Allocate(wanted, out got);

    /// <summary>
    /// Writes frames that were taken and that no page maps yet. False when there is no memory; they are to be freed
    /// then.
    /// </summary>
    /// <param name="first">First frame.</param>
    /// <param name="source">Bytes of all of them; may change meanwhile, since merging compares under seal.</param>
    /// <param name="count">How many.</param>
    public bool TryFill(FrameNumber first, byte* source, int count)
    {
        var end = first.Offset + ((long)count * PageSize.Bytes);
        if (end > _size && !TryGrow((end + GrowthBytes - 1) / GrowthBytes * GrowthBytes))
        {
            return false;
        }

        return _memory.TryWrite(first.Offset, source, (long)count * PageSize.Bytes);
    }

    /// <summary>Gives frames back that no page maps: their memory is returned to the system, if it takes it.</summary>
    public void Free(FrameNumber first, int count)
    {
        if (first.Offset < _size && !_isFrozen)
        {
            try
            {
                _memory.Punch(first.Offset, (long)count * PageSize.Bytes);
            }
            catch (PlatformException)
            {
                // Their memory stays until they are used again; the kernel's figure shows it. The books must not stop
                // half-way.
            }
        }

        _allocator.Free(first, count);
    }

    /// <summary>
    /// From now on no frame loses its memory, since processes show them that this one knows no more of: the kernel
    /// frees all with the last of these.
    /// </summary>
    public void Freeze() => _isFrozen = true;

    /// <summary>
    /// Gives memory back that free frames have: whoever may read the store allocates its holes by reading them. Costs a
    /// look at the kernel's count where there is none.
    /// </summary>
    public void Trim()
    {
        if (_isFrozen || AllocatedBytes <= LiveFrames * PageSize.Bytes)
        {
            return;
        }

        for (var offset = 0L; _memory.TryFindData(offset, out var start, out var end); offset = end)
        {
            for (var page = start / PageSize.Bytes; page < end / PageSize.Bytes;)
            {
                var (first, count) = _allocator.NextFreeRun(page, end / PageSize.Bytes);
                if (count > 0)
                {
                    _memory.Punch(first * PageSize.Bytes, count * PageSize.Bytes);
                }

                page = first + count;
            }
        }
    }

    private bool TryGrow(long bytes)
    {
        try
        {
            _memory.Grow(bytes);
            _size = bytes;
            return true;
        }
        catch (PlatformException)
        {
            return false;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _view.Dispose();
        _reader.Dispose();
        _memory.Dispose();
        _allocator.Dispose();
    }
}

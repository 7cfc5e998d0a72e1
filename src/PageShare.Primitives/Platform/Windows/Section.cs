using System.Collections.Concurrent;
using System.Numerics;
using System.Runtime.InteropServices;

namespace PageShare.Platform.Windows;

/// <summary>A memory object as a pagefile section, with one linear view of all of it, through which it is
/// written.</summary>
/// <remarks>
/// <para>A section has its size for life. So it is made as large as it may ever become, reserved only, and growing
/// commits pages. What is committed stays committed until the section goes: Windows can't decommit a page of a section.
/// Punching gives back physical memory alone.</para>
/// <para>Nor does the system tell how much memory a section takes. Of one that is written by <see cref="TryWrite"/>
/// alone, a frame store, it is counted here, exactly; of a backing by its region; of others the pages are counted that
/// are in this process's working set. Not thread-safe as to these counts: the engine's lock guards them.</para>
/// </remarks>
internal sealed unsafe class Section : MemoryObject
{
    private const int BitsPerWord = 64;

    // By name, as /proc/self/fd shows memory objects on Linux: a section without a name, which nobody else can open, is
    // shown by no tool of the system.
    private static readonly ConcurrentDictionary<Section, bool> Open = new();

    private readonly string _name;
    private readonly bool _isOwner;
    private readonly byte* _view;
    private readonly long _maximumBytes;
    private ulong[]? _written; // a bit a page, once something was written
    private RegionHandle? _region; // set once, before anybody asks for a count
    private long _committed;

    private Section(string name, nint handle, byte* view, long maximumBytes, bool isOwner)
    {
        _name = name;
        _view = view;
        _maximumBytes = maximumBytes;
        _isOwner = isOwner;
        SetHandle(handle);
        Open[this] = true;
    }

    /// <summary>The sections of this process that are not closed yet.</summary>
    public static IEnumerable<Section> All => Open.Keys;

    /// <summary>The name that it was made with.</summary>
    public string Name => _name;

    // SAFETY: the view is as long as the section may become, and is unmapped when the handle is released; views handed
    // out hold a reference on it. Pages above the committed ones fault.

    /// <inheritdoc/>
    public override byte* WritableView => _view;

    /// <inheritdoc/>
    public override long AllocatedBytes => Environment.SystemPageSize * (_region is not null
        ? WindowsPlatform.Require(WindowsShim.CountPresent(_region), _name)
        : _written?.Sum(static word => (long)BitOperations.PopCount(word))
            ?? WorkingSet.CountPages(_view, _committed / Environment.SystemPageSize));

    /// <summary>Makes a section of the given size that can grow to its maximum.</summary>
    /// <exception cref="PlatformException">Out of commit charge, address space or kernel memory.</exception>
    public static Section Create(string name, long bytes, long maximumBytes)
    {
        // One page more than will ever be committed: Wine takes no note of a commit that ends where its section does.
        var reservedBytes = maximumBytes + Environment.SystemPageSize;
        var handle = Kernel32.CreateFileMapping(
            -1,
            null,
            Kernel32.PageReadWrite | Kernel32.SectionReserve,
            (uint)(reservedBytes >> 32),
            (uint)reservedBytes,
            null);
        if (handle == 0)
        {
            throw Failure("CreateFileMapping", $"{name}, {maximumBytes} bytes");
        }

        var view = Kernel32.MapViewOfFile(handle, Kernel32.SectionMapRead | Kernel32.SectionMapWrite, 0, 0, 0);
        if (view == null)
        {
            var failure = Failure("MapViewOfFile", $"{name}, {maximumBytes} bytes");
            Kernel32.CloseHandle(handle);
            throw failure;
        }

        var section = new Section(name, handle, view, maximumBytes, isOwner: true);
        try
        {
            section.Grow(bytes);
            return section;
        }
        catch
        {
            section.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public override void BelongTo(RegionHandle region) => _region = region;

    /// <inheritdoc/>
    public override void Grow(long bytes)
    {
        if (bytes < _committed || bytes > _maximumBytes)
        {
            throw new PlatformException(
                "growing", $"{_name} to {bytes} bytes", 0, $"It has {_committed} and may have {_maximumBytes}.");
        }

        var more = (nuint)(bytes - _committed);
        if (more > 0
            && Kernel32.VirtualAlloc(_view + _committed, more, Kernel32.MemCommit, Kernel32.PageReadWrite) == null)
        {
            throw Failure("VirtualAlloc(MEM_COMMIT)", $"{_name} to {bytes} bytes",
                "The commit limit is reached: let the page file grow, or use fewer or smaller guests.");
        }

        _committed = bytes;
    }

    /// <inheritdoc/>
    public override MemoryObject OpenReadOnly()
    {
        var process = Kernel32.GetCurrentProcess();
        const uint Access = Kernel32.SectionMapRead | Kernel32.SectionQuery;
        return Kernel32.DuplicateHandle(process, handle, process, out var duplicate, Access, inherit: false, options: 0)
            ? new Section(_name, duplicate, null, 0, isOwner: false)
            : throw Failure("DuplicateHandle", $"{_name}, read-only");
    }

    /// <inheritdoc/>
    public override bool TryWrite(long offset, byte* source, long bytes)
    {
        // SAFETY: inside what was committed, checked here; the source is readable by the caller's word. There is always
        // memory for a committed page.
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes, _committed - offset);
        Buffer.MemoryCopy(source, _view + offset, bytes, bytes);
        MarkWritten(offset, bytes, isWritten: true);
        return true;
    }

    /// <inheritdoc/>
    public override void Punch(long offset, long bytes)
    {
        // SAFETY: as above; what the pages hold afterwards is undefined, and nobody reads them before they are written
        // again.
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes, _committed - offset);
        // What refuses to discard a view may still be told that its content is worthless, which the next trimming heeds.
        var error = Kernel32.DiscardVirtualMemory(_view + offset, (nuint)bytes);
        if (error != 0
            && Kernel32.VirtualAlloc(_view + offset, (nuint)bytes, Kernel32.MemReset, Kernel32.PageReadWrite) == null)
        {
            throw new PlatformException("DiscardVirtualMemory", $"{_name} at {offset}, {bytes} bytes", (int)error);
        }

        MarkWritten(offset, bytes, isWritten: false);
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle()
    {
        var isDone = (!_isOwner || Kernel32.UnmapViewOfFile(_view)) & Kernel32.CloseHandle(handle);
        if (isDone)
        {
            Open.TryRemove(this, out _);
        }

        return isDone;
    }

    private static PlatformException Failure(string operation, string subject, string? advice = null) =>
        new(operation, subject, Marshal.GetLastPInvokeError(), advice);

    private void MarkWritten(long offset, long bytes, bool isWritten)
    {
        var end = (offset + bytes) / Environment.SystemPageSize;
        var words = (int)((end + BitsPerWord - 1) / BitsPerWord);
        if (_written is null || _written.Length < words)
        {
            Array.Resize(ref _written, Math.Max(words, 2 * (_written?.Length ?? 0)));
        }

        for (var page = offset / Environment.SystemPageSize; page < end; page++)
        {
            var bit = 1UL << (int)(page % BitsPerWord);
            ref var word = ref _written[page / BitsPerWord];
            word = isWritten ? word | bit : word & ~bit;
        }
    }
}

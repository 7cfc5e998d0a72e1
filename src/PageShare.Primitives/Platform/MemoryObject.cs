using System.Runtime.InteropServices;

namespace PageShare.Platform;

/// <summary>
/// A descriptor of a memory object (Linux memfd, Windows section): a backing, a page table, or a frame store, or a
/// read-only second descriptor of one.
/// </summary>
/// <remarks>Thread-safe: the kernel orders calls on a descriptor, and the handle keeps it open while one is under
/// way.</remarks>
internal abstract class MemoryObject() : SafeHandle(-1, ownsHandle: true)
{
    /// <inheritdoc/>
    public override bool IsInvalid => handle == -1;

    /// <summary>The descriptor, for the shim, which keeps it no longer than the region that names this
    /// object.</summary>
    public int Descriptor => checked((int)handle);

    /// <summary>Where the object's bytes can be written, on systems whose objects have no write call; null
    /// elsewhere.</summary>
    // SAFETY: as long as the object itself.
    public virtual unsafe byte* WritableView => null;

    /// <summary>Told once, of a backing: whose pages these are. For systems that count them by that region's
    /// mappings.</summary>
    public virtual void BelongTo(RegionHandle region)
    {
    }

    /// <summary>Memory that the object takes: by the kernel's count (st_blocks), or as far as the system
    /// tells.</summary>
    /// <exception cref="PlatformException">The kernel does not tell.</exception>
    public abstract long AllocatedBytes { get; }

    /// <summary>Makes the object larger. It can't become smaller, since mappings may show every byte.</summary>
    /// <exception cref="PlatformException">No memory, or smaller than it is.</exception>
    public abstract void Grow(long bytes);

    /// <summary>A second descriptor that can only read. All callers who need their mappings to join must share
    /// one.</summary>
    /// <exception cref="PlatformException">Out of descriptors.</exception>
    public abstract MemoryObject OpenReadOnly();

    /// <summary>Copies bytes into the object; false when there is no memory for them, and then some may be
    /// written.</summary>
    /// <param name="offset">Byte offset in the object.</param>
    /// <param name="source">First byte; may be guest memory, which others may write meanwhile.</param>
    /// <param name="bytes">How many.</param>
    /// <exception cref="PlatformException">Any failure but a lack of memory.</exception>
    public abstract unsafe bool TryWrite(long offset, byte* source, long bytes);

    /// <summary>Copies bytes out of the object without giving memory to holes, which read as zero.</summary>
    /// <param name="offset">Byte offset in the object.</param>
    /// <param name="into">Where to; has room for them.</param>
    /// <param name="bytes">How many.</param>
    /// <returns>Bytes copied; fewer at the object's end, or where the system refuses.</returns>
    /// <exception cref="NotSupportedException">The system's objects have no read call.</exception>
    public virtual unsafe int Read(long offset, byte* into, int bytes) => throw new NotSupportedException();

    /// <summary>The same into a span.</summary>
    /// <exception cref="NotSupportedException">The system's objects have no read call.</exception>
    public unsafe int Read(long offset, Span<byte> into)
    {
        // SAFETY: as many bytes as the span has, which is pinned meanwhile.
        fixed (byte* first = into)
        {
            return Read(offset, first, into.Length);
        }
    }

    /// <summary>Finds the first stretch from an offset on that has memory; false when there is none, or the system does
    /// not tell.</summary>
    public virtual bool TryFindData(long offset, out long start, out long end)
    {
        start = end = offset;
        return false;
    }

    /// <summary>Gives memory of the object back to the system; the range reads as zero from then on.</summary>
    /// <exception cref="PlatformException">The kernel refused.</exception>
    public abstract void Punch(long offset, long bytes);
}

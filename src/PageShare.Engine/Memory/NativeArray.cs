using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using PageShare.Platform;

namespace PageShare.Memory;

/// <summary>
/// A zeroed array of fixed length outside the GC heap. Its memory is only committed where it is touched, so per-page
/// tables are reserved for a guest's maximum size and cost what the guest uses.
/// </summary>
/// <remarks>
/// Not thread-safe as an object; whoever owns it guards it, and also guarantees that nobody uses the array, or a
/// reference or span into it, once it is disposed. It has no finalizer on purpose: a reference handed out by the
/// indexer does not keep the array alive, so a finalizer could free memory that is being read.
/// </remarks>
/// <typeparam name="T">The element.</typeparam>
internal sealed unsafe class NativeArray<T> : IDisposable
    where T : unmanaged
{
    // Below this a page or two that are committed in vain do not matter.
    private const long LeastMappedBytes = 64 * 1024;

    private readonly Action? _free;
    private readonly T* _first;

    // Zero once disposed, so that later accesses fail the bounds check instead of reading freed memory.
    private long _length;

    private bool _disposed;

    /// <summary>Wraps memory that somebody else allocated, a mapping with huge pages for example.</summary>
    /// <param name="address">First byte: zeroed, aligned for <typeparamref name="T"/>, valid until freed.</param>
    /// <param name="length">Elements.</param>
    /// <param name="free">Called once when the array is disposed; null when the memory outlives it.</param>
    /// <exception cref="ArgumentNullException">
    /// <paramref name="address"/> is null though there are elements.
    /// </exception>
    /// <exception cref="ArgumentOutOfRangeException">
    /// <paramref name="length"/> is negative or its bytes overflow.
    /// </exception>
    public NativeArray(byte* address, long length, Action? free)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, long.MaxValue / sizeof(T));
        if (length != 0)
        {
            ArgumentNullException.ThrowIfNull(address);
        }

        _first = (T*)address;
        _length = length;
        _free = free;
    }

    /// <summary>Elements; zero once disposed.</summary>
    public long Length => _length;

    /// <summary>Bytes reserved for the elements, committed or not; zero once disposed.</summary>
    public long Bytes => _length * sizeof(T);

    /// <summary>The element at <paramref name="index"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is none.</exception>
    public ref T this[long index]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            // One unsigned comparison also catches negative indices.
            if ((ulong)index >= (ulong)_length)
            {
                ThrowOutOfRange(index);
            }

            // SAFETY: 0 <= index < _length, and the constructor's caller vouches for _length aligned elements that live
            // until Dispose, which sets _length to 0. Other writers are the owner's concern.
            return ref _first[index];
        }
    }

    /// <summary>Allocates zeroed memory: small blocks from the C heap, large ones from the system.</summary>
    /// <param name="length">Elements.</param>
    /// <param name="alignment">
    /// Alignment of the first element in bytes, a power of two; a cache line by default.
    /// </param>
    /// <param name="isDense">Whether all of it will be touched, in any order.</param>
    /// <exception cref="ArgumentOutOfRangeException">
    /// <paramref name="length"/> is negative or its bytes overflow, or <paramref name="alignment"/> is no power of two.
    /// </exception>
    /// <exception cref="OutOfMemoryException">The C heap has no small block.</exception>
    /// <exception cref="PlatformException">The system has no large one.</exception>
    /// <remarks>
    /// Large blocks do not come from calloc: once such a block was freed, it keeps it, hands it out again, and zeroes
    /// it by hand, which commits all of it.
    /// </remarks>
    public static NativeArray<T> Allocate(long length, int alignment = 64, bool isDense = false)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(alignment);
        ArgumentOutOfRangeException.ThrowIfNotEqual(alignment & (alignment - 1), 0, nameof(alignment));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, (long.MaxValue - alignment) / sizeof(T));
        var bytes = length * sizeof(T);
        if (bytes >= LeastMappedBytes && alignment <= PageSize.Bytes)
        {
            return Map(length, bytes, isDense);
        }

        // SAFETY: the block has `alignment` bytes more than the elements need, so rounding its start up leaves room for
        // all of them. The block is freed once, by Dispose.
        var block = (nint)NativeMemory.AllocZeroed((nuint)bytes + (nuint)alignment);
        var first = (block + alignment - 1) & ~((nint)alignment - 1);
        return new NativeArray<T>((byte*)first, length, () => NativeMemory.Free((void*)block));
    }

    private static NativeArray<T> Map(long length, long bytes, bool isDense)
    {
        var memory = HostPlatform.Create().Allocate(bytes, isDense);
#pragma warning disable CA1816 // it must have no finalizer, for the reason that this class has none
        GC.SuppressFinalize(memory);
#pragma warning restore CA1816
        return new NativeArray<T>(memory.Address, length, memory.Dispose);
    }

    /// <summary>
    /// The elements [<paramref name="start"/>, <paramref name="start"/> + <paramref name="length"/>).
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Some of these do not exist.</exception>
    public Span<T> Slice(long start, int length)
    {
        if (start < 0 || length < 0 || start > _length - length)
        {
            ThrowOutOfRange(start);
        }

        // SAFETY: 0 <= start and start + length <= _length, checked above without overflow; lifetime as the indexer's.
        return new Span<T>(_first + start, length);
    }

    /// <summary>
    /// Asks for the cache line that the element begins in. Does nothing where .NET gives no access to such a hint.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such element.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Prefetch(long index)
    {
        ref var element = ref this[index];
        if (Sse.IsSupported)
        {
            // SAFETY: native memory, which nothing moves; a prefetch reads nothing and never faults.
            Sse.Prefetch0(Unsafe.AsPointer(ref element));
        }
    }

    /// <summary>Frees the memory; calls after the first do nothing.</summary>
    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        _length = 0;
        _free?.Invoke();
    }

    [DoesNotReturn]
    private void ThrowOutOfRange(long index) =>
        throw new ArgumentOutOfRangeException(nameof(index), index, $"The array has {_length} elements.");
}

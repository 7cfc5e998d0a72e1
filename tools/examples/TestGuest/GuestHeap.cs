using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using PageShare;

namespace TestGuest;

/// <summary>
/// An allocator whose every byte, its own books included, lies in a guest's memory: blocks of 32 bytes and their
/// doublings, taken from the end, and from one list of freed blocks for each size.
/// </summary>
/// <remarks>
/// Places are offsets, not addresses: two programs that do the same then have the same pages, wherever their memory is
/// mapped. Not thread-safe.
/// </remarks>
internal sealed class GuestHeap
{
    private const int SmallestBits = 5;
    private const int Sizes = 32;
    private const long PageBytes = 4096;

    private readonly MappedGuest _guest;

    /// <summary>Makes an empty heap in memory that is all zero.</summary>
    public GuestHeap(MappedGuest guest)
    {
        _guest = guest;
        Books = new Header { End = Unsafe.SizeOf<Header>() };
    }

    /// <summary>Bytes that blocks lie in, free ones included.</summary>
    public long UsedBytes => Books.End;

    private ref Header Books => ref At<Header>(0);

    /// <summary>What lies at a place.</summary>
    public ref T At<T>(long place)
        where T : unmanaged =>
        ref MemoryMarshal.AsRef<T>(_guest.AsSpan(place, Unsafe.SizeOf<T>()));

    /// <summary>Bytes at a place.</summary>
    public Span<byte> Bytes(long place, int length) => _guest.AsSpan(place, length);

    /// <summary>Takes a block; its content is whatever was there. Places are never 0.</summary>
    /// <exception cref="InvalidOperationException">The guest may not grow that far.</exception>
    public long Allocate(long bytes)
    {
        var size = SizeOf(bytes);
        ref var free = ref Books.Free[size];
        if (free != 0)
        {
            var place = free;
            free = At<long>(place);
            Books.FreeBytes -= BytesOf(size);
            return place;
        }

        var end = Books.End + BytesOf(size);
        if (end > _guest.Length)
        {
            Grow(end);
        }

        Books.End = end;
        return end - BytesOf(size);
    }

    /// <summary>Gives a block back.</summary>
    public void Free(long place, long bytes)
    {
        var size = SizeOf(bytes);
        At<long>(place) = Books.Free[size];
        Books.Free[size] = place;
        Books.FreeBytes += BytesOf(size);
    }

    /// <summary>Checks the books: the free blocks and those that the caller knows of are all that there is.</summary>
    /// <exception cref="InvalidDataException">They are not.</exception>
    public void Verify(IEnumerable<long> blocksInUse)
    {
        var inUse = blocksInUse.Sum(bytes => BytesOf(SizeOf(bytes)));
        var free = 0L;
        for (var size = 0; size < Sizes; size++)
        {
            for (var place = Books.Free[size]; place != 0; place = At<long>(place))
            {
                free += BytesOf(size);
            }
        }

        if (free != Books.FreeBytes || Unsafe.SizeOf<Header>() + inUse + free != Books.End)
        {
            throw new InvalidDataException(
                $"{inUse} bytes in use and {free} free ones ({Books.FreeBytes} by the books) do not make {Books.End}.");
        }
    }

    private static int SizeOf(long bytes) =>
        Math.Max(0, 64 - BitOperations.LeadingZeroCount((ulong)bytes - 1) - SmallestBits);

    private static long BytesOf(int size) => 1L << (SmallestBits + size);

    private void Grow(long end)
    {
        // By doubling, to whole pages, as far as the host lets it.
        var wanted = Math.Min(
            _guest.MaximumLength, Math.Max((end + PageBytes - 1) / PageBytes * PageBytes, 2 * _guest.Length));
        if (wanted < end)
        {
            throw new InvalidOperationException($"The guest may have {_guest.MaximumLength} bytes, and {end} are needed.");
        }

        _guest.Grow(wanted);
    }

    private struct Header
    {
        public long End;
        public long FreeBytes;
        public FreeLists Free;
    }

    [InlineArray(Sizes)]
    private struct FreeLists
    {
        private long _first;
    }
}

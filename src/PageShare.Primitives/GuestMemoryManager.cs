using System.Buffers;

namespace PageShare;

/// <summary>Guest memory as <see cref="Memory{T}"/>. Pinning such memory pins the guest's pages for I/O as
/// well.</summary>
internal sealed unsafe class GuestMemoryManager(MappedGuest guest, long offset, int length) : MemoryManager<byte>
{
    private readonly Stack<WritablePin> _pins = []; // guard: itself

    /// <inheritdoc/>
    public override Span<byte> GetSpan() => guest.AsSpan(offset, length);

    /// <inheritdoc/>
    public override MemoryHandle Pin(int elementIndex = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(elementIndex);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(elementIndex, length);
        var address = guest.Pointer + offset + elementIndex;
        var pin = guest.PinWritable(offset, length);
        lock (_pins)
        {
            _pins.Push(pin);
        }

        // SAFETY: inside the range that was just pinned; the pin keeps it mapped until Unpin.
        return new MemoryHandle(address, pinnable: this);
    }

    /// <inheritdoc/>
    public override void Unpin()
    {
        // All pins cover the same range, so it doesn't matter which one ends.
        lock (_pins)
        {
            _pins.Pop().Dispose();
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
    }
}

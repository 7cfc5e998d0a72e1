using PageShare.Platform;

namespace PageShare.Memory;

/// <summary>
/// The address space of a guest: room for its maximum size, with a page at either end that faults on every access.
/// </summary>
/// <remarks>Immutable. What is above the guest's present size faults as well, until it grows.</remarks>
internal sealed unsafe class AddressRange : IDisposable
{
    private readonly MappedMemory _reservation;

    /// <summary>Reserves room.</summary>
    /// <exception cref="PlatformException">No address space.</exception>
    public AddressRange(IPlatform platform, long maximumBytes) =>
        _reservation = platform.Reserve(maximumBytes + (2L * PageSize.Bytes));

    /// <summary>First byte of the guest.</summary>
    // SAFETY: the reservation holds a guard page in front.
    public byte* Start => _reservation.Address + PageSize.Bytes;

    /// <inheritdoc/>
    public void Dispose() => _reservation.Dispose();
}

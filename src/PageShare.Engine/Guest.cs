using PageShare.Memory;
using PageShare.Merge;
using PageShare.Metrics;
using PageShare.Platform;

namespace PageShare;

/// <summary>A guest in this process: a range of its memory whose equal pages the engine shares.</summary>
/// <remarks>Thread-safe; see <see cref="MappedGuest"/> for how the memory is used.</remarks>
public sealed unsafe class Guest : MappedGuest
{
    private readonly PageShareEngine _engine;

    internal Guest(PageShareEngine engine, GuestRegion region)
    {
        _engine = engine;
        Region = region;
    }

    /// <inheritdoc/>
    public override string Name => Region.Spec.Name;

    /// <inheritdoc/>
    public override string Domain => Region.Domain.Name;

    /// <inheritdoc/>
    public override FaultMode FaultMode => Region.Spec.FaultMode;

    /// <inheritdoc/>
    public override long Length => Region.Pages * PageSize.Bytes;

    /// <inheritdoc/>
    public override long MaximumLength => Region.Spec.MaximumPages * PageSize.Bytes;

    /// <inheritdoc/>
    public override bool Sharing
    {
        get => Region.IsSharing;
        set
        {
            lock (_engine.Registry.Gate)
            {
                Region.IsSharing = value;
            }
        }
    }

    internal GuestRegion Region { get; }

    internal override RegionHandle Handle => Region.Handle;

    internal override bool IsDisposed => Region.IsRemoved;

    // SAFETY: only the address; the base class checks that the guest is not disposed before it hands it out.
    internal override byte* Start => Region.Start;

    /// <inheritdoc/>
    public override GuestSnapshot Snapshot() => _engine.SnapshotOf(this);

    /// <summary>
    /// Frees the guest. An adopted range becomes ordinary private memory with the same bytes. Waits for fault handlers
    /// inside; while a pin is held, the memory stays until the pin ends.
    /// </summary>
    /// <exception cref="InvalidOperationException">The memory was adopted and is pinned.</exception>
    public override void Dispose() => _engine.Remove(this);

    internal override void RequireGrowable()
    {
        if (Region.Spec.IsAdopted)
        {
            throw new InvalidOperationException($"Guest '{Name}' was adopted: its memory belongs to somebody else and cannot grow.");
        }
    }

    internal override void GrowTo(long newSizeInBytes)
    {
        lock (_engine.Registry.Gate)
        {
            ObjectDisposedException.ThrowIf(Region.IsRemoved, this);
            Region.Grow(newSizeInBytes / PageSize.Bytes);
        }
    }
}

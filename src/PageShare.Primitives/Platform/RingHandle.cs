using System.Runtime.InteropServices;

namespace PageShare.Platform;

/// <summary>
/// The host's side of a ring, with the view of its memory: both go when the last call has ended. Not thread-safe, as
/// the header says, but for closing.
/// </summary>
internal sealed unsafe class RingHandle : SafeHandle
{
    private readonly MappedMemory _view;
    private readonly ulong _writtenOffset;
    private readonly ulong _copiesOffset;

    private RingHandle(nint host, MappedMemory view)
        : base(0, ownsHandle: true)
    {
        SetHandle(host);
        _view = view;
        _writtenOffset = Header->WrittenOffset; // nobody else has the ring yet; later they would be the guest's word
        _copiesOffset = Header->CopiesOffset;
    }

    /// <inheritdoc/>
    public override bool IsInvalid => handle == 0;

    // SAFETY: all of these lie in the view, which is as long as ps_ring_bytes says and lives until this is closed. The
    // guest's process may write all of it at any moment, so each word is read by Volatile and none is trusted.

    /// <summary>What the agent says of itself.</summary>
    public RingHeader* Header => (RingHeader*)_view.Address;

    /// <summary>The written pages that the agent has found, a bit a page.</summary>
    public ulong* Written => (ulong*)(_view.Address + _writtenOffset);

    /// <summary>The copies that the agent has found, a bit a page.</summary>
    public ulong* Copies => (ulong*)(_view.Address + _copiesOffset);

    /// <summary>Bytes of a ring for so many pages.</summary>
    public static long BytesFor(long pages) => (long)RingNative.Bytes((ulong)pages);

    /// <summary>Formats a new ring that nobody else has yet, and opens the host's side.</summary>
    /// <param name="view">All of the ring's memory; owned by the result.</param>
    /// <param name="pages">Most pages of the region.</param>
    /// <exception cref="PlatformException">No memory.</exception>
    public static RingHandle Create(MappedMemory view, long pages)
    {
        Shim.Require(
            RingNative.Format(view.Address, (ulong)view.Length, (ulong)pages), "formatting", $"a ring of {pages} pages");
        int error;
        var host = RingNative.OpenHost(view.Address, (ulong)view.Length, (ulong)pages, &error);
        Shim.Require(host == 0 ? error : 0, "opening", $"a ring of {pages} pages");
        return new RingHandle(host, view);
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle()
    {
        RingNative.CloseHost(handle);
        _view.Dispose();
        return true;
    }
}

using System.Net.Sockets;
using Microsoft.Win32.SafeHandles;
using PageShare.Memory;
using PageShare.Metrics;
using PageShare.Platform;

namespace PageShare;

/// <summary>
/// A guest's memory as the process that uses it sees it: a page-aligned range whose equal pages somebody shares, in
/// this process or from a host's.
/// </summary>
/// <remarks>
/// <para>Use the memory as any other: load and store by <see cref="Pointer"/>, spans or <see cref="Memory{T}"/>, from
/// any thread, also while the engine scans and merges. A store to a shared page takes some microseconds, once.</para>
/// <para>System calls are the exception. One that writes into the memory (reading a file, receiving from a socket)
/// fails with EFAULT where a page is shared or is just being compared: pin the range with <see cref="PinWritable"/> for
/// the time of the call, or use <see cref="ReadFrom"/> and <see cref="ReceiveFrom"/>, which do. In
/// <see cref="FaultMode.Kernel"/> mode only pages that are just being compared fail, which is rare but happens: pin
/// there too. System calls that only read the memory need nothing.</para>
/// <para>Thread-safe. After disposal the range is unmapped, and touching it is an ordinary access violation.</para>
/// </remarks>
public abstract unsafe class MappedGuest : IDisposable
{
    internal MappedGuest()
    {
    }

    /// <summary>The guest's name.</summary>
    public abstract string Name { get; }

    /// <summary>Its share domain: the guests that may read each other's shared pages.</summary>
    public abstract string Domain { get; }

    /// <summary>How stores to its shared pages are caught.</summary>
    public abstract FaultMode FaultMode { get; }

    /// <summary>Bytes of memory now.</summary>
    public abstract long Length { get; }

    /// <summary>Bytes that it may <see cref="Grow"/> to.</summary>
    public abstract long MaximumLength { get; }

    /// <summary>
    /// Whether its pages may be shared. Set to false, it is left alone from then on, and what it shares stays shared
    /// until it is written, or <see cref="Unshare"/> is called.
    /// </summary>
    public abstract bool Sharing { get; set; }

    /// <summary>First byte, page-aligned. The same for the guest's whole life.</summary>
    /// <exception cref="ObjectDisposedException">The guest is disposed.</exception>
    public byte* Pointer
    {
        get
        {
            ObjectDisposedException.ThrowIf(IsDisposed, this);
            return Start;
        }
    }

    /// <summary>The region in this process; calls on it and pins hold a reference.</summary>
    internal abstract RegionHandle Handle { get; }

    /// <summary>Whether the guest was given up, even if a pin still keeps its memory.</summary>
    internal abstract bool IsDisposed { get; }

    /// <summary>The first byte, disposed or not.</summary>
    internal abstract byte* Start { get; }

    /// <summary>All of the memory.</summary>
    /// <exception cref="InvalidOperationException">It is longer than a span can be: take a part.</exception>
    public Span<byte> AsSpan() => Length <= int.MaxValue
        ? AsSpan(0, (int)Length)
        : throw new InvalidOperationException(
            $"Guest '{Name}' has {Length} bytes, more than a span can hold. Use AsSpan(offset, length).");

    /// <summary>A part of the memory. The span must not be used once the guest is disposed.</summary>
    /// <param name="offset">Byte offset, from 0.</param>
    /// <param name="length">Bytes.</param>
    /// <exception cref="ArgumentOutOfRangeException">The part does not lie inside the guest.</exception>
    public Span<byte> AsSpan(long offset, int length)
    {
        RequireInside(offset, length);

        // SAFETY: inside the guest by the check above, and mapped until it is disposed, which the caller answers for.
        return new Span<byte>(Pointer + offset, length);
    }

    /// <summary>
    /// A part of the memory, for interfaces that take <see cref="Memory{T}"/>. Pinning it pins its pages for I/O.
    /// </summary>
    /// <inheritdoc cref="AsSpan(long, int)"/>
    public Memory<byte> AsMemory(long offset, int length)
    {
        RequireInside(offset, length);
        return new GuestMemoryManager(this, offset, length).Memory;
    }

    /// <summary>Makes the guest larger; its address stays.</summary>
    /// <param name="newSizeInBytes">A multiple of 4096, between <see cref="Length"/> and
    /// <see cref="MaximumLength"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">It is not.</exception>
    /// <exception cref="InvalidOperationException">The memory was adopted.</exception>
    /// <exception cref="PlatformException">The system has no memory or mapping for it.</exception>
    public void Grow(long newSizeInBytes)
    {
        RequireGrowable();
        SizeCheck.RequirePages(newSizeInBytes, nameof(newSizeInBytes));
        if (newSizeInBytes < Length || newSizeInBytes > MaximumLength)
        {
            throw new ArgumentOutOfRangeException(nameof(newSizeInBytes), newSizeInBytes,
                $"Guest '{Name}' has {Length} bytes and may grow to {MaximumLength}, but not shrink. Room for more is reserved by "
                + $"{nameof(GuestOptions)}.{nameof(GuestOptions.MaximumBytes)} when it is created.");
        }

        GrowTo(newSizeInBytes);
    }

    /// <summary>Throws if this guest cannot grow whatever the size.</summary>
    /// <exception cref="InvalidOperationException">The memory was adopted.</exception>
    internal virtual void RequireGrowable()
    {
    }

    /// <summary>Grows to a size that was checked.</summary>
    internal abstract void GrowTo(long newSizeInBytes);

    /// <summary>
    /// Keeps a range private and writable until the result is disposed, so that I/O may go into it: system calls that
    /// write to it, direct I/O, io_uring. Its whole pages are pinned.
    /// </summary>
    /// <param name="offset">Byte offset, from 0.</param>
    /// <param name="length">Bytes, above 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range does not lie inside the guest.</exception>
    /// <exception cref="ObjectDisposedException">The guest is disposed.</exception>
    /// <exception cref="PlatformException">
    /// No memory for the pages' own copies within the host's break timeout, or over 4,095 pins on a
    /// page.
    /// </exception>
    public WritablePin PinWritable(long offset, long length)
    {
        var (page, count) = PagesOf(offset, length);
        ObjectDisposedException.ThrowIf(IsDisposed, this);
        return new WritablePin(Handle, Name, page, count);
    }

    /// <summary>
    /// Breaks sharing of a range now, which costs less than a fault a page later. Promises nothing about system calls:
    /// the next pass may share the pages again.
    /// </summary>
    /// <inheritdoc cref="PinWritable"/>
    public void EnsureWritable(long offset, long length)
    {
        var (page, count) = PagesOf(offset, length);
        ObjectDisposedException.ThrowIf(IsDisposed, this);
        Shim.Require(Shim.Break(Handle, page, count), "breaking", $"{count} pages of guest '{Name}'");
    }

    /// <summary>Reads from a file into the guest, with the range pinned meanwhile.</summary>
    /// <param name="handle">The file.</param>
    /// <param name="fileOffset">Byte offset in the file.</param>
    /// <param name="offset">Byte offset in the guest.</param>
    /// <param name="length">Most bytes.</param>
    /// <returns>Bytes read; 0 at the end of the file.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The range does not lie inside the guest.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public int ReadFrom(SafeFileHandle handle, long fileOffset, long offset, int length)
    {
        using (PinWritable(offset, length))
        {
            return RandomAccess.Read(handle, AsSpan(offset, length), fileOffset);
        }
    }

    /// <summary>Receives from a socket into the guest, with the range pinned meanwhile. Waits as the socket
    /// does.</summary>
    /// <param name="socket">The socket.</param>
    /// <param name="offset">Byte offset in the guest.</param>
    /// <param name="length">Most bytes.</param>
    /// <param name="flags">As for <see cref="Socket.Receive(Span{byte}, SocketFlags)"/>.</param>
    /// <returns>Bytes received; 0 when the peer has shut down.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The range does not lie inside the guest.</exception>
    /// <exception cref="SocketException">The socket fails.</exception>
    public int ReceiveFrom(Socket socket, long offset, int length, SocketFlags flags = SocketFlags.None)
    {
        ArgumentNullException.ThrowIfNull(socket);
        using (PinWritable(offset, length))
        {
            return socket.Receive(AsSpan(offset, length), flags);
        }
    }

    /// <summary>Gives every page its own copy again. The scanner may share them again later, unless
    /// sharing is off.</summary>
    /// <exception cref="PlatformException">No memory for the copies; what has none stays shared.</exception>
    public void Unshare() => EnsureWritable(0, Length);

    /// <summary>The guest's counters now.</summary>
    /// <exception cref="ObjectDisposedException">The guest is disposed.</exception>
    public abstract GuestSnapshot Snapshot();

    /// <summary>Frees the guest. While a pin is held, the memory stays until the pin ends.</summary>
    public abstract void Dispose();

    private void RequireInside(long offset, long length)
    {
        if (offset < 0 || length < 0 || length > Length - offset)
        {
            throw new ArgumentOutOfRangeException(nameof(offset),
                $"[{offset}, {offset} + {length}) does not lie inside guest '{Name}' of {Length} bytes.");
        }
    }

    private (ulong Page, ulong Count) PagesOf(long offset, long length)
    {
        RequireInside(offset, length);
        var first = offset / PageSize.Bytes;
        return ((ulong)first, (ulong)(PageSize.PagesIn(offset + length) - first));
    }
}

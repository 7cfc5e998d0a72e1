using System.Diagnostics;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using PageShare.Platform.Linux;
using PageShare.Protocol.Messages;

namespace PageShare.Protocol;

/// <summary>Frames over a connected Unix stream socket, in both directions.</summary>
/// <remarks>
/// <para>One thread at a time may receive and one may send; the two may be different ones. <see cref="Shutdown"/> may
/// be called by any thread at any time.</para>
/// <para>After a <see cref="ProtocolException"/> from receiving, or a failed send, the stream's frames can't be told
/// apart any more: dispose the channel. What was received by then is closed.</para>
/// </remarks>
public sealed class FrameChannel : IDisposable
{
    private static readonly TimeSpan DefaultTimeout = TimeSpan.FromSeconds(10);

    private readonly Socket _socket;
    private readonly FrameAssembly _incoming = new();
    private readonly Stopwatch _sinceBegun = new(); // runs while a part of a frame is here

    private FrameChannel(Socket socket)
    {
        _socket = socket;
        var (process, user, group) = UnixSocket.PeerCredentials(socket);
        Peer = new PeerCredentials(process, user, group);
    }

    /// <summary>Who is at the other end.</summary>
    public PeerCredentials Peer { get; }

    /// <summary>How long a send may wait for a peer that does not read. Default 10 seconds.</summary>
    public TimeSpan SendTimeout { get; set; } = DefaultTimeout;

    /// <summary>How long the rest of a frame may take once its first byte is here. Default 10 seconds.</summary>
    public TimeSpan FrameTimeout { get; set; } = DefaultTimeout;

    /// <summary>Connects to a listening socket.</summary>
    /// <param name="path">The socket's path.</param>
    /// <param name="timeout">How long to wait if the listener has a queue; null for 10 seconds.</param>
    /// <exception cref="SocketException">Nobody listens there, or the path is not reachable for this
    /// user.</exception>
    /// <exception cref="TimeoutException">The listener accepts nobody.</exception>
    public static FrameChannel Connect(string path, TimeSpan? timeout = null)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            // SO_SNDTIMEO is what bounds connect as well: with a full queue it would wait as long as the host lives.
            socket.SendTimeout = (int)(timeout ?? DefaultTimeout).TotalMilliseconds;
            socket.Connect(new UnixDomainSocketEndPoint(path));
            return new FrameChannel(socket);
        }
        catch (SocketException full) when (full.SocketErrorCode is SocketError.WouldBlock or SocketError.TryAgain
            or SocketError.TimedOut)
        {
            socket.Dispose();
            throw new TimeoutException($"Whoever listens at {path} accepts no connection.", full);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Makes a channel of a connected Unix socket, which is the channel's from then on.</summary>
    /// <exception cref="SocketException">It is not a connected Unix socket.</exception>
    public static FrameChannel FromSocket(Socket socket)
    {
        ArgumentNullException.ThrowIfNull(socket);
        return new FrameChannel(socket);
    }

    /// <summary>
    /// A descriptor of the peer's process, which polls as readable when the process ends; the caller's to close. Null
    /// if the process has ended, or the kernel has no such descriptors.
    /// </summary>
    public SafeFileHandle? OpenPeerPidfd() => UnixSocket.OpenPeerPidfd(_socket);

    /// <summary>Sends a frame.</summary>
    /// <param name="kind">What it carries.</param>
    /// <param name="body">Its body.</param>
    /// <param name="descriptors">Descriptors for the peer, which gets copies of them.</param>
    /// <exception cref="ArgumentException">Body or descriptors do not fit the kind; nothing was sent.</exception>
    /// <exception cref="IOException">The peer is gone.</exception>
    /// <exception cref="TimeoutException">The peer does not read.</exception>
    public void Send<T>(MessageKind kind, T body, params ReadOnlySpan<SafeHandle> descriptors)
    {
        var bytes = MessageBody.Write(kind, body);
        var rule = MessageRules.Of(kind)!;
        if (descriptors.Length < rule.LeastDescriptors || descriptors.Length > rule.MostDescriptors)
        {
            throw new ArgumentException(
                $"{kind} comes with {rule.DescribeDescriptors()}, not {descriptors.Length}.", nameof(descriptors));
        }

        var frame = new byte[FrameHeader.Bytes + bytes.Length];
        new FrameHeader(kind, bytes.Length, descriptors.Length).Write(frame);
        bytes.CopyTo(frame, FrameHeader.Bytes);

        Span<int> numbers = stackalloc int[descriptors.Length];
        var held = 0;
        try
        {
            foreach (var descriptor in descriptors)
            {
                var isHeld = false;
                descriptor.DangerousAddRef(ref isHeld);
                numbers[held++] = (int)descriptor.DangerousGetHandle();
            }

            SendAll(frame, numbers);
        }
        finally
        {
            foreach (var descriptor in descriptors[..held])
            {
                descriptor.DangerousRelease();
            }
        }
    }

    /// <summary>Receives a frame; the caller disposes it.</summary>
    /// <param name="timeout">How long to wait for its first byte; infinite if negative.</param>
    /// <returns>Null at the end of the stream.</returns>
    /// <exception cref="TimeoutException">Nothing came. The channel stays usable.</exception>
    /// <exception cref="ProtocolException">What came is no frame; the message says why.</exception>
    /// <exception cref="IOException">The connection broke.</exception>
    public Frame? Receive(TimeSpan timeout)
    {
        var waited = Stopwatch.StartNew();
        while (true)
        {
            if (TryReceive(out var frame))
            {
                return frame;
            }

            var left = _incoming.HasBegun ? FrameTimeout - _sinceBegun.Elapsed
                : timeout < TimeSpan.Zero ? timeout
                : Positive(timeout - waited.Elapsed);
            if (!UnixSocket.Wait(_socket, Libc.PollIn, _incoming.HasBegun ? Positive(left) : left))
            {
                throw _incoming.HasBegun ? Unfinished() : new TimeoutException("The peer sent nothing in time.");
            }
        }
    }

    /// <summary>Receives a frame without holding a thread meanwhile; the caller disposes it.</summary>
    /// <returns>Null at the end of the stream.</returns>
    /// <exception cref="OperationCanceledException">Cancelled. The channel stays usable, and no byte is
    /// lost.</exception>
    /// <exception cref="ProtocolException">What came is no frame; the message says why.</exception>
    /// <exception cref="IOException">The connection broke.</exception>
    public async ValueTask<Frame?> ReceiveAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            if (TryReceive(out var frame))
            {
                return frame;
            }

            if (!_incoming.HasBegun)
            {
                await WaitAsync(cancellationToken).ConfigureAwait(false);
                continue;
            }

            using var timed = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            timed.CancelAfter(Positive(FrameTimeout - _sinceBegun.Elapsed));
            try
            {
                await WaitAsync(timed.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                throw Unfinished();
            }
        }
    }

    /// <summary>Ends the connection in both directions: who receives or sends on it stops waiting. Any thread, any
    /// time.</summary>
    public void Shutdown()
    {
        try
        {
            _socket.Shutdown(SocketShutdown.Both);
        }
        catch (Exception gone) when (gone is SocketException or ObjectDisposedException)
        {
            // The peer or this side was first.
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Shutdown();
        _socket.Dispose();
        _incoming.Dispose();
    }

    /// <summary>Waits until the peer has closed, or <see cref="Shutdown"/> was called; false when the time is
    /// over.</summary>
    internal bool WaitForHangUp(TimeSpan timeout) => UnixSocket.Wait(_socket, Libc.PollPeerClosed, timeout);

    private static TimeSpan Positive(TimeSpan time) => time > TimeSpan.Zero ? time : TimeSpan.Zero;

    private ProtocolException Unfinished() =>
        new($"The peer began a frame and did not finish it within {FrameTimeout.TotalSeconds:0.###} s.");

    /// <summary>Takes what is there; true with a frame, or with null at the end of the stream.</summary>
    private bool TryReceive(out Frame? frame)
    {
        frame = null;
        while (!_incoming.IsComplete)
        {
            var bytes = UnixSocket.TryReceive(
                _socket, _incoming.Wanted, _incoming.Descriptors, out var isTruncated);
            if (bytes == UnixSocket.WouldBlock)
            {
                return false;
            }

            if (bytes == 0 && !_incoming.HasBegun)
            {
                return true;
            }

            if (!_incoming.HasBegun)
            {
                _sinceBegun.Restart();
            }

            _incoming.Advance(bytes, isTruncated);
        }

        frame = _incoming.Take();
        return true;
    }

    private async ValueTask WaitAsync(CancellationToken cancellationToken)
    {
        try
        {
            // Without room for a byte it takes none: it ends when there is one, or the stream has ended.
            await _socket.ReceiveAsync(Memory<byte>.Empty, SocketFlags.None, cancellationToken).ConfigureAwait(false);
        }
        catch (SocketException broken)
        {
            throw new IOException("The connection broke.", broken);
        }
    }

    private void SendAll(ReadOnlySpan<byte> frame, ReadOnlySpan<int> descriptors)
    {
        var clock = Stopwatch.StartNew();
        while (!frame.IsEmpty)
        {
            var sent = UnixSocket.TrySend(_socket, frame, descriptors);
            if (sent > 0)
            {
                frame = frame[sent..];
                descriptors = []; // they went with the first byte
                continue;
            }

            var left = Positive(SendTimeout - clock.Elapsed);
            if (left == TimeSpan.Zero || !UnixSocket.Wait(_socket, Libc.PollOut, left))
            {
                throw new TimeoutException($"The peer has not read for {SendTimeout.TotalSeconds:0.###} s.");
            }
        }
    }
}

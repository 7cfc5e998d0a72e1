using System.Diagnostics;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Mono.Unix.Native;

namespace PageShare.Platform.Linux;

/// <summary>
/// What .NET's sockets lack: descriptors beside the bytes (SCM_RIGHTS), and who the peer is. No call here waits but
/// <see cref="Wait"/>, so a socket may serve these calls and .NET's asynchronous ones.
/// </summary>
internal static unsafe class UnixSocket
{
    /// <summary>What a call gives that would have to wait.</summary>
    public const int WouldBlock = -1;

    // The kernel's SCM_MAX_FD is 253; what is beyond the room that we give it closes at once, and says so.
    private const int MostDescriptors = 16;

    /// <summary>
    /// Receives bytes, and the descriptors that came with the first of them, which are added to the list whatever
    /// happens then. Close-on-exec is set on them.
    /// </summary>
    /// <returns>Bytes; 0 at the end of the stream; <see cref="WouldBlock"/> if nothing is there.</returns>
    /// <param name="socket">The socket.</param>
    /// <param name="buffer">Room, not empty.</param>
    /// <param name="descriptors">Where to put what is received.</param>
    /// <param name="isTruncated">Whether there were more descriptors than the list could get.</param>
    /// <exception cref="IOException">The socket fails.</exception>
    public static int TryReceive(
        Socket socket, Span<byte> buffer, List<SafeFileHandle> descriptors, out bool isTruncated)
    {
        isTruncated = false;
        using var held = new Held(socket.SafeHandle);

        // SAFETY: the kernel writes at most buffer.Length bytes into the pinned span, and the control array is its own.
        fixed (byte* first = buffer)
        {
            while (true)
            {
                var control = new byte[(int)Syscall.CMSG_SPACE(MostDescriptors * sizeof(int))];
                var message = new Msghdr
                {
                    msg_iov = [new Iovec { iov_base = (nint)first, iov_len = (ulong)buffer.Length }],
                    msg_iovlen = 1,
                    msg_control = control,
                    msg_controllen = control.Length,
                };
                var received = Syscall.recvmsg(
                    held.Descriptor, message, MessageFlags.MSG_DONTWAIT | MessageFlags.MSG_CMSG_CLOEXEC);
                if (received >= 0)
                {
                    TakeDescriptors(message, descriptors);
                    isTruncated = message.msg_flags.HasFlag(MessageFlags.MSG_CTRUNC);
                    return (int)received;
                }

                var error = Stdlib.GetLastError();
                switch (error)
                {
                    case Errno.EINTR:
                        continue;
                    case Errno.EAGAIN:
                        return WouldBlock;
                    default:
                        throw Failure("recvmsg", error);
                }
            }
        }
    }

    /// <summary>Sends bytes, with descriptors beside the first of them.</summary>
    /// <returns>Bytes taken, with which the descriptors went; <see cref="WouldBlock"/> if the peer must read
    /// first.</returns>
    /// <exception cref="IOException">The peer is gone, or the socket fails.</exception>
    public static int TrySend(Socket socket, ReadOnlySpan<byte> bytes, ReadOnlySpan<int> descriptors)
    {
        using var held = new Held(socket.SafeHandle);

        // SAFETY: the kernel reads bytes.Length bytes of the pinned span.
        fixed (byte* first = bytes)
        {
            var message = new Msghdr
            {
                msg_iov = [new Iovec { iov_base = (nint)first, iov_len = (ulong)bytes.Length }],
                msg_iovlen = 1,
            };
            AddDescriptors(message, descriptors);
            while (true)
            {
                var sent = Syscall.sendmsg(
                    held.Descriptor, message, MessageFlags.MSG_DONTWAIT | MessageFlags.MSG_NOSIGNAL);
                if (sent >= 0)
                {
                    return (int)sent;
                }

                var error = Stdlib.GetLastError();
                switch (error)
                {
                    case Errno.EINTR:
                        continue;
                    case Errno.EAGAIN:
                        return WouldBlock;
                    default:
                        throw Failure("sendmsg", error);
                }
            }
        }
    }

    /// <summary>Waits until a call need not wait, or the peer has closed; false when the time is over.</summary>
    /// <param name="socket">The socket.</param>
    /// <param name="events">Of <see cref="Libc"/>'s Poll constants; errors and hang-up are always waited for.</param>
    /// <param name="timeout">How long; infinite if negative.</param>
    /// <exception cref="IOException">The socket cannot be asked.</exception>
    public static bool Wait(Socket socket, short events, TimeSpan timeout)
    {
        using var held = new Held(socket.SafeHandle);
        var clock = Stopwatch.StartNew();
        while (true)
        {
            var left = timeout < TimeSpan.Zero
                ? -1
                : (int)Math.Clamp(Math.Ceiling((timeout - clock.Elapsed).TotalMilliseconds), 0, int.MaxValue);
            var asked = new Libc.PollDescriptor { Descriptor = held.Descriptor, Events = events };

            // SAFETY: one descriptor of this frame.
            var found = Libc.Poll(&asked, 1, left);
            if (found >= 0)
            {
                return found > 0;
            }

            var error = Marshal.GetLastPInvokeError();
            if (NativeConvert.ToErrno(error) != Errno.EINTR)
            {
                throw Failure("poll", NativeConvert.ToErrno(error));
            }
        }
    }

    /// <summary>Process, user and group of the peer as they were when it connected, by the kernel's word.</summary>
    /// <exception cref="SocketException">Not a connected Unix socket.</exception>
    public static (int ProcessId, uint UserId, uint GroupId) PeerCredentials(Socket socket)
    {
        Span<int> credentials = stackalloc int[3];
        socket.GetRawSocketOption(
            Libc.SocketLevel, Libc.SocketPeerCredentials, MemoryMarshal.AsBytes(credentials));
        return (credentials[0], (uint)credentials[1], (uint)credentials[2]);
    }

    /// <summary>A descriptor of the peer's process; null if it is gone, or the kernel has none to give.</summary>
    public static SafeFileHandle? OpenPeerPidfd(Socket socket)
    {
        Span<int> pidfd = [-1];
        try
        {
            // Names the process that connected, even if it has died and its number belongs to another one now.
            socket.GetRawSocketOption(Libc.SocketLevel, Libc.SocketPeerPidfd, MemoryMarshal.AsBytes(pidfd));
        }
        catch (SocketException)
        {
            // A kernel before 6.5, or the process is gone. By number a process that died a moment ago could be
            // mistaken for a new one; whoever relies on the handle sees the connection end as well.
            pidfd[0] = Libc.PidfdOpen(PeerCredentials(socket).ProcessId);
        }

        return pidfd[0] >= 0 ? new SafeFileHandle(pidfd[0], ownsHandle: true) : null;
    }

    private static void AddDescriptors(Msghdr message, ReadOnlySpan<int> descriptors)
    {
        if (descriptors.IsEmpty)
        {
            return;
        }

        var bytes = MemoryMarshal.AsBytes(descriptors);
        message.msg_control = new byte[Syscall.CMSG_SPACE((ulong)bytes.Length)];
        message.msg_controllen = message.msg_control.Length;
        new Cmsghdr
        {
            cmsg_len = (long)Syscall.CMSG_LEN((ulong)bytes.Length),
            cmsg_level = UnixSocketProtocol.SOL_SOCKET,
            cmsg_type = UnixSocketControlMessage.SCM_RIGHTS,
        }.WriteToBuffer(message, 0);
        bytes.CopyTo(message.msg_control.AsSpan((int)Syscall.CMSG_DATA(message, 0)));
    }

    private static void TakeDescriptors(Msghdr message, List<SafeFileHandle> descriptors)
    {
        if (message.msg_controllen <= 0)
        {
            return;
        }

        for (var at = Syscall.CMSG_FIRSTHDR(message); at >= 0; at = Syscall.CMSG_NXTHDR(message, at))
        {
            var header = Cmsghdr.ReadFromBuffer(message, at);
            if (header is not
                { cmsg_level: UnixSocketProtocol.SOL_SOCKET, cmsg_type: UnixSocketControlMessage.SCM_RIGHTS })
            {
                continue;
            }

            var data = (int)Syscall.CMSG_DATA(message, at);
            var length = (int)(header.cmsg_len - (data - at));
            foreach (var descriptor in MemoryMarshal.Cast<byte, int>(message.msg_control.AsSpan(data, length)))
            {
                descriptors.Add(new SafeFileHandle(descriptor, ownsHandle: true));
            }
        }
    }

    private static IOException Failure(string operation, Errno error) => error switch
    {
        Errno.EPIPE or Errno.ECONNRESET => new IOException("The peer has closed the connection."),
        Errno.ETOOMANYREFS => new IOException(
            "Too many descriptors are on their way through sockets of this user already (ETOOMANYREFS)."),
        _ => new PlatformException(operation, "a Unix socket", NativeConvert.FromErrno(error)),
    };

    /// <summary>Keeps a descriptor open during a call.</summary>
    private readonly ref struct Held
    {
        private readonly SafeHandle _handle;

        public Held(SafeHandle handle)
        {
            var isHeld = false;
            handle.DangerousAddRef(ref isHeld);
            _handle = handle;
        }

        public int Descriptor => (int)_handle.DangerousGetHandle();

        public void Dispose() => _handle.DangerousRelease();
    }
}

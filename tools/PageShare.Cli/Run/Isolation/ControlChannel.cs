using System.Buffers.Binary;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Win32.SafeHandles;
using PageShare.Platform.Linux;

namespace PageShare.Cli.Run.Isolation;

/// <summary>
/// The connection between a run and one of its guest processes: short messages with descriptors. It ends when either
/// side does, which is what ends the other one.
/// </summary>
/// <remarks>
/// <para>Not the host's protocol: there a guest is a stranger, and here it is a part of this program, of the same build
/// and started by it. A message is a header of three 32-bit numbers (kind, length, descriptors) and JSON.</para>
/// <para>Any thread may send; one at a time may receive.</para>
/// </remarks>
internal sealed class ControlChannel : IDisposable
{
    private const int HeaderBytes = 12;
    private const int MostBodyBytes = 1 << 20;

    private static readonly TimeSpan Forever = TimeSpan.FromMilliseconds(-1);

    private readonly Socket _socket;
    private readonly Lock _sending = new();

    private ControlChannel(Socket socket)
    {
        _socket = socket;
        PeerProcessId = UnixSocket.PeerCredentials(socket).ProcessId;
    }

    /// <summary>The process at the other end, by the kernel's word.</summary>
    public int PeerProcessId { get; }

    /// <summary>Connects to a run.</summary>
    /// <exception cref="SocketException">It isn't there any more.</exception>
    public static ControlChannel Connect(string path)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(path));
            return new ControlChannel(socket);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Takes over an accepted socket.</summary>
    public static ControlChannel Of(Socket accepted) => new(accepted);

    /// <summary>Sends a message.</summary>
    /// <exception cref="IOException">The other side is gone.</exception>
    public void Send<T>(ControlKind kind, T body, JsonTypeInfo<T> type, params ReadOnlySpan<SafeFileHandle> descriptors)
    {
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(body, type);
        byte[] bytes = new byte[HeaderBytes + json.Length];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, (int)kind);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(4), json.Length);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(8), descriptors.Length);
        json.CopyTo(bytes.AsSpan(HeaderBytes));
        Span<int> numbers = stackalloc int[descriptors.Length];
        for (int i = 0; i < numbers.Length; i++)
        {
            numbers[i] = (int)descriptors[i].DangerousGetHandle();
        }

        lock (_sending)
        {
            Send(bytes, numbers);
        }

        // The numbers above are bare: the handles must live until they are sent.
        foreach (SafeFileHandle descriptor in descriptors)
        {
            GC.KeepAlive(descriptor);
        }
    }

    /// <summary>Waits for the next message; null when the other side is gone.</summary>
    public ControlMessage? Receive()
    {
        var descriptors = new List<SafeFileHandle>();
        try
        {
            byte[] header = new byte[HeaderBytes];
            if (!TryFill(header, descriptors))
            {
                return null;
            }

            var kind = (ControlKind)BinaryPrimitives.ReadInt32LittleEndian(header);
            int length = BinaryPrimitives.ReadInt32LittleEndian(header.AsSpan(4));
            int expected = BinaryPrimitives.ReadInt32LittleEndian(header.AsSpan(8));
            if (length is < 0 or > MostBodyBytes)
            {
                throw new InvalidDataException($"a message of {length} bytes came over a run's control connection");
            }

            byte[] body = new byte[length];
            if (!TryFill(body, descriptors) || descriptors.Count != expected)
            {
                Close(descriptors);
                return null;
            }

            return new ControlMessage(kind, body, descriptors);
        }
        catch (IOException)
        {
            // Reset by a peer that was killed: the same as its end.
            Close(descriptors);
            return null;
        }
    }

    /// <summary>Ends it: who waits in <see cref="Receive"/> gets null. Any thread.</summary>
    public void Shutdown()
    {
        try
        {
            _socket.Shutdown(SocketShutdown.Both);
        }
        catch (Exception ended) when (ended is SocketException or ObjectDisposedException)
        {
            // The other side was faster.
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();

    private void Send(ReadOnlySpan<byte> bytes, ReadOnlySpan<int> descriptors)
    {
        while (!bytes.IsEmpty)
        {
            int sent = UnixSocket.TrySend(_socket, bytes, descriptors);
            if (sent == UnixSocket.WouldBlock)
            {
                UnixSocket.Wait(_socket, Libc.PollOut, Forever);
                continue;
            }

            bytes = bytes[sent..];
            descriptors = []; // they went with the first byte
        }
    }

    private bool TryFill(Span<byte> buffer, List<SafeFileHandle> descriptors)
    {
        while (!buffer.IsEmpty)
        {
            int received = UnixSocket.TryReceive(_socket, buffer, descriptors, out bool truncated);
            if (received == UnixSocket.WouldBlock)
            {
                UnixSocket.Wait(_socket, Libc.PollIn, Forever);
                continue;
            }

            if (received == 0 || truncated)
            {
                return false;
            }

            buffer = buffer[received..];
        }

        return true;
    }

    private static void Close(List<SafeFileHandle> descriptors) => descriptors.ForEach(descriptor => descriptor.Dispose());
}

/// <summary>What was received.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Body">JSON.</param>
/// <param name="Descriptors">Those that came with it; the receiver's from then on.</param>
internal sealed record ControlMessage(ControlKind Kind, byte[] Body, IReadOnlyList<SafeFileHandle> Descriptors)
{
    /// <summary>The body.</summary>
    public T Read<T>(JsonTypeInfo<T> type) => JsonSerializer.Deserialize(Body, type)
        ?? throw new InvalidDataException($"the body of {Kind} is null");
}

using System.Net.Sockets;
using PageShare.Protocol;
using PageShare.Protocol.Messages;

namespace PageShare.IsolationTests.Hosting;

/// <summary>A connection to a host that keeps to no rule by itself.</summary>
internal sealed class RawConnection : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);

    public RawConnection(string path)
    {
        _socket.Connect(new UnixDomainSocketEndPoint(path));
        _socket.ReceiveTimeout = 60_000; // only so that a test that fails ends
        _socket.SendTimeout = 60_000;
    }

    public Socket Socket => _socket;

    /// <summary>A frame as it goes over the wire.</summary>
    public static byte[] Frame(MessageKind kind, string body)
    {
        var bytes = System.Text.Encoding.UTF8.GetBytes(body);
        var frame = new byte[FrameHeader.Bytes + bytes.Length];
        new FrameHeader(kind, bytes.Length, 0).Write(frame);
        bytes.CopyTo(frame, FrameHeader.Bytes);
        return frame;
    }

    public void Send(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[_socket.Send(bytes)..];
        }
    }

    /// <summary>Reads until the host closes.</summary>
    public byte[] ReadToEnd()
    {
        var all = new MemoryStream();
        var buffer = new byte[4096];
        try
        {
            for (int read; (read = _socket.Receive(buffer)) > 0;)
            {
                all.Write(buffer, 0, read);
            }
        }
        catch (SocketException reset) when (reset.SocketErrorCode == SocketError.ConnectionReset)
        {
            // It did not read all that was sent: closed all the same.
        }

        return all.ToArray();
    }

    /// <summary>What the host says before it closes.</summary>
    public Refusal ReadRefusal()
    {
        var bytes = ReadToEnd();
        Assert.True(FrameHeader.TryParse(bytes, out var header, out _));
        Assert.Equal(MessageKind.Refused, header.Kind);
        return MessageBody.Read<Refusal>(MessageKind.Refused, bytes.AsSpan(FrameHeader.Bytes, header.BodyLength));
    }

    public void Dispose() => _socket.Dispose();
}

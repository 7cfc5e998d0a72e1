using System.Globalization;
using System.Net.Sockets;
using System.Text;
using PageShare.Protocol;
using PageShare.Protocol.Messages;

namespace PageShare.CrashProbe.Hostile;

/// <summary>
/// Connections that say what no client says: frames of random kinds and bodies, well-formed ones that were changed
/// somewhere, and ends in the middle.
/// </summary>
internal sealed class GarbageFrames(string socket, Random random)
{
    private static readonly string[] Bodies =
    [
        """{"program":"x"}""", """{"program":"x","isOperator":true}""", "{}", "null", "[]", "", "{\"program\":null}",
        """{"name":"g","bytes":1048576,"maximumBytes":null,"domain":null,"faultMode":"signal","sharing":true}""",
        """{"name":"g","bytes":1e300,"maximumBytes":-1,"domain":"\u0000","faultMode":"both","sharing":3}""",
        """{"guestId":1}""", """{"guestId":99999999999999999999}""", """{"guestId":1,"pages":-1}""",
        """{"action":"pause","guest":null}""", """{"guest":"g","firstPage":-5}""",
        """
        {"formerHostId":"7c9e6679-7425-40de-944b-e07fc1f90ae7","formerGuestId":1,"name":"g","pages":256,
        "maximumPages":256,"domain":"default","faultMode":"signal","sharing":true,"storeGenerations":[0],
        "nextGeneration":1}
        """,
        """[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[""",
    ];

    /// <summary>Makes so many connections.</summary>
    /// <returns>How many bytes it sent, and how many answers came.</returns>
    public string Send(int connections)
    {
        var (sent, answers) = (0L, 0L);
        for (var i = 0; i < connections; i++)
        {
            using var connection = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                connection.Connect(new UnixDomainSocketEndPoint(socket));
                if (random.Next(3) != 0)
                {
                    sent += connection.Send(Frame(MessageKind.Hello, Bodies[0]));
                }

                for (var frame = random.Next(1, 5); frame > 0; frame--)
                {
                    sent += connection.Send(Next());
                }

                if (random.Next(2) == 0)
                {
                    connection.Shutdown(SocketShutdown.Send);
                    var buffer = new byte[4096];
                    while (connection.Receive(buffer) > 0)
                    {
                        answers++;
                    }
                }
            }
            catch (SocketException)
            {
                // Closed by the host, as it may.
            }
        }

        return string.Create(CultureInfo.InvariantCulture, $"{sent} bytes, {answers} answers");
    }

    private byte[] Next()
    {
        var kinds = Enum.GetValues<MessageKind>();
        var bytes = Frame(kinds[random.Next(1, kinds.Length)], Bodies[random.Next(Bodies.Length)]);
        switch (random.Next(4))
        {
            case 0:
                for (var changes = random.Next(1, 6); changes > 0; changes--)
                {
                    bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
                }

                return bytes;
            case 1:
                return bytes[..random.Next(1, bytes.Length)];
            case 2:
                var noise = new byte[random.Next(1, 300)];
                random.NextBytes(noise);
                return noise;
            default:
                return bytes;
        }
    }

    private static byte[] Frame(MessageKind kind, string body)
    {
        var bytes = Encoding.UTF8.GetBytes(body);
        var frame = new byte[FrameHeader.Bytes + bytes.Length];
        new FrameHeader(kind, bytes.Length, 0).Write(frame);
        bytes.CopyTo(frame, FrameHeader.Bytes);
        return frame;
    }
}

using System.Net;
using System.Net.Sockets;

namespace PageShare.ContractTests.Guests;

/// <summary>Two connected TCP sockets of this process.</summary>
internal sealed class SocketPair : IDisposable
{
    public SocketPair()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(1);
        Sender = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        Sender.Connect(listener.LocalEndPoint!);
        Receiver = listener.Accept();
    }

    public Socket Sender { get; }

    public Socket Receiver { get; }

    public void Dispose()
    {
        Sender.Dispose();
        Receiver.Dispose();
    }
}

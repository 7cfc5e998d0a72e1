using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace PageShare.Host;

/// <summary>
/// Tells systemd that the service is ready, or stopping (sd_notify(3)): a datagram to the socket that
/// <c>NOTIFY_SOCKET</c> names. A few lines, where the library for it would be another package to carry.
/// </summary>
internal static class ServiceNotice
{
    /// <summary>Whether systemd started this process and reads what it prints.</summary>
    public static bool IsUnderSystemd =>
        Environment.GetEnvironmentVariable("SYSTEMD_EXEC_PID")
            == Environment.ProcessId.ToString(CultureInfo.InvariantCulture);

    /// <summary>It listens.</summary>
    public static void Ready(string status) => Send($"READY=1\nSTATUS={status}");

    /// <summary>It is ending.</summary>
    public static void Stopping() => Send("STOPPING=1");

    private static void Send(string state)
    {
        var path = Environment.GetEnvironmentVariable("NOTIFY_SOCKET");
        if (string.IsNullOrEmpty(path) || path[0] is not ('/' or '@'))
        {
            return;
        }

        try
        {
            // '@' stands for the zero of an abstract name.
            using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
            socket.Connect(new UnixDomainSocketEndPoint(path[0] == '@' ? $"\0{path[1..]}" : path));
            socket.Send(Encoding.UTF8.GetBytes(state));
        }
        catch (SocketException)
        {
            // Who asked to be told is gone; the service is not worse for it.
        }
    }
}

using System.Net.Sockets;
using PageShare.Host.Configuration;

namespace PageShare.Host.Web;

/// <summary>
/// Which Host headers are answered. A page of the open web can have its own name resolve to 127.0.0.1 (DNS rebinding),
/// and then a browser lets it read what this port serves; but its requests say that name.
/// </summary>
internal sealed class LoopbackNames
{
    private readonly HashSet<string> _names =
        new(["localhost", "127.0.0.1", "[::1]"], StringComparer.OrdinalIgnoreCase);

    private readonly bool _isAnyAllowed;

    public LoopbackNames(HttpAddress address)
    {
        // A browser can't reach a Unix socket.
        _isAnyAllowed = address.SocketPath is not null;
        foreach (var listening in address.Addresses)
        {
            _names.Add(listening.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{listening}]" : $"{listening}");
        }
    }

    /// <summary>Whether a request for this host, without its port, is answered.</summary>
    public bool Allows(string host) => _isAnyAllowed || _names.Contains(host);
}

using System.Globalization;
using System.Net;

namespace PageShare.Host.Configuration;

/// <summary>
/// Where the page and the metrics are served: a loopback address, or a Unix socket. Nowhere else, since there is no
/// access control: who can connect can read the names of the guests and their counters.
/// </summary>
public sealed record HttpAddress
{
    private HttpAddress(string text)
    {
        Text = text;
    }

    /// <summary>As it was written.</summary>
    public string Text { get; }

    /// <summary>The loopback addresses to listen at; empty for a socket. Both families for <c>localhost</c>.</summary>
    public IReadOnlyList<IPAddress> Addresses { get; private init; } = [];

    /// <summary>The port; 0: any that is free.</summary>
    public int Port { get; private init; }

    /// <summary>The Unix socket; null for an address.</summary>
    public string? SocketPath { get; private init; }

    /// <summary>Reads <c>http://127.0.0.1:9750</c> or <c>unix:/path</c>.</summary>
    /// <exception cref="FormatException">It is neither; the message says why and what is allowed.</exception>
    public static HttpAddress Parse(string text)
    {
        const string Allowed =
            "Allowed are \"http://127.0.0.1:PORT\", \"http://[::1]:PORT\", \"http://localhost:PORT\" and "
            + "\"unix:/PATH\"";
        if (text.StartsWith("unix:", StringComparison.Ordinal))
        {
            var path = text["unix:".Length..];
            return Path.IsPathRooted(path)
                ? new HttpAddress(text) { SocketPath = path }
                : throw new FormatException($"the socket's path must begin with \"/\". {Allowed}.");
        }

        if (!Uri.TryCreate(text, UriKind.Absolute, out var uri))
        {
            throw new FormatException($"\"{text}\" is no address. {Allowed}.");
        }

        if (uri.Scheme != Uri.UriSchemeHttp)
        {
            throw new FormatException($"\"{uri.Scheme}\" is not offered: put a proxy in front for that. {Allowed}.");
        }

        IReadOnlyList<IPAddress> addresses = uri.Host switch
        {
            "localhost" => [IPAddress.Loopback, IPAddress.IPv6Loopback],
            _ when IPAddress.TryParse(uri.Host.Trim('[', ']'), out var address)
                && IPAddress.IsLoopback(address) => [address],
            _ => throw new FormatException(
                $"\"{uri.Host}\" is not this machine's loopback, and the page has no access control: "
                + $"put a proxy that asks who it is in front. {Allowed}."),
        };
        if (!text.EndsWith(string.Create(CultureInfo.InvariantCulture, $":{uri.Port}"), StringComparison.Ordinal)
            && !text.EndsWith(string.Create(CultureInfo.InvariantCulture, $":{uri.Port}/"), StringComparison.Ordinal))
        {
            throw new FormatException($"the port is missing, or there is something behind it. {Allowed}.");
        }

        return new HttpAddress(text) { Addresses = addresses, Port = uri.Port };
    }

    /// <inheritdoc/>
    public override string ToString() => Text;
}

using System.Net.Sockets;
using PageShare.Host;
using PageShare.Host.Configuration;
using PageShare.Protocol;
using PageShare.Protocol.Messages;

namespace PageShare.Cli.Scan.Targets;

/// <summary>A running host, or one guest of it: <c>host:SOCKET</c>, <c>host:SOCKET#GUEST</c>.</summary>
/// <param name="Socket">The host's socket; empty for the default.</param>
/// <param name="Guest">The guest's name; null for all of them.</param>
internal readonly record struct HostAddress(string Socket, string? Guest)
{
    private const string Prefix = "host:";

    // A name may have one as well, and a socket hardly ever.
    private const char Divider = '#';

    /// <summary>Reads a target's name; false if it is none of a host.</summary>
    public static bool TryParse(string name, out HostAddress address)
    {
        address = default;
        if (!name.StartsWith(Prefix, StringComparison.Ordinal))
        {
            return false;
        }

        string rest = name[Prefix.Length..];
        int divider = rest.IndexOf(Divider, StringComparison.Ordinal);
        address = divider < 0 ? new HostAddress(rest, null) : new HostAddress(rest[..divider], rest[(divider + 1)..]);
        return true;
    }

    /// <summary>Names of the host's guests as targets; its own name if it can't be asked, or has none.</summary>
    public IReadOnlyList<string> Guests()
    {
        if (Guest is not null)
        {
            return [ToString()];
        }

        string host = ToString();
        try
        {
            using StatusClient client = Connect();
            IReadOnlyList<GuestProcess> guests = Ask(client.GetStatus).Processes;
            return guests.Count == 0 ? [host] : [.. guests.Select(guest => $"{host}{Divider}{guest.Name}")];
        }
        catch (TargetException)
        {
            // It is said when the target is read.
            return [host];
        }
    }

    /// <summary>The guest's memory.</summary>
    /// <exception cref="TargetException">It can't be had.</exception>
    public HostedMemory Open()
    {
        using StatusClient client = Connect();

        // Asked first, since it counts anew which pages the kernel has copied.
        StatusAnswer status = Ask(client.GetStatus);
        if (Guest is not string guest)
        {
            throw new TargetException(status.Processes.Count == 0
                ? "has no guests: there are no pages to count. Scan it while guests run."
                : "had no guests when the scan began, and has some now. Scan it again.");
        }

        try
        {
            return client.GetMemory(guest);
        }
        catch (RefusedException refused) when (refused.Code == RefusalCode.NotFound)
        {
            throw new TargetException(
                "is no guest of that host: it has ended, or has another name. 'pageshare status' lists them.", refused);
        }
        catch (RefusedException refused)
        {
            throw new TargetException($"may not be read: {refused.Refusal.Reason}", refused);
        }
        catch (Exception gone) when (gone is IOException or TimeoutException)
        {
            throw Gone(gone);
        }
    }

    /// <inheritdoc/>
    public override string ToString() => Guest is null ? $"{Prefix}{Socket}" : $"{Prefix}{Socket}{Divider}{Guest}";

    private StatusClient Connect()
    {
        try
        {
            return StatusClient.Connect(Socket.Length == 0 ? SocketPath.Default() : Socket);
        }
        catch (SocketException refused) when (refused.SocketErrorCode == SocketError.AccessDenied)
        {
            throw new TargetException(
                "may not be used: permission denied. Run as the user that runs the host, or as root.", refused);
        }
        catch (Exception missing) when (missing is SocketException or ArgumentException or HostConfigurationException)
        {
            throw new TargetException(
                $"can't be reached: no host listens there ({missing.Message}). Start one with 'pageshare host', or name "
                + "the socket that its first line of log tells.",
                missing);
        }
        catch (RefusedException refused)
        {
            throw new TargetException($"may not be read: {refused.Refusal.Reason}", refused);
        }
        catch (Exception gone) when (gone is IOException or TimeoutException)
        {
            throw Gone(gone);
        }
    }

    private static T Ask<T>(Func<T> question)
    {
        try
        {
            return question();
        }
        catch (Exception gone) when (gone is IOException or TimeoutException)
        {
            throw Gone(gone);
        }
    }

    private static TargetException Gone(Exception cause) => new(
        $"does not answer: the host has ended or is too busy ({cause.Message}). See its log, and scan it again.", cause);
}

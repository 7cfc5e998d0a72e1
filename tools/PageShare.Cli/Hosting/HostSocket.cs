using System.CommandLine;
using System.Net.Sockets;
using PageShare.Host;
using PageShare.Host.Configuration;
using PageShare.Platform;
using PageShare.Protocol;

namespace PageShare.Cli.Hosting;

/// <summary>The way to a running host.</summary>
internal static class HostSocket
{
    /// <summary>The option that says where it is.</summary>
    public static Option<string?> Option() => new("--socket")
    {
        Description = "The host's socket (default: /run/pageshare/host.sock for root, $XDG_RUNTIME_DIR/pageshare/host.sock for "
            + "others).",
        HelpName = "PATH",
    };

    /// <summary>Refuses on other systems.</summary>
    /// <exception cref="CommandException">This is not Linux.</exception>
    public static void RequireLinux(string command)
    {
        if (!KernelProbe.IsLinux)
        {
            throw CommandException.BadUsage($"'{command}' works on Linux only: a host hands out memory as file descriptors.");
        }
    }

    /// <summary>Connects to the host as an operator.</summary>
    /// <param name="socket">Its path; null for the default.</param>
    /// <exception cref="CommandException">Nobody is there, or it refuses.</exception>
    public static StatusClient Connect(string? socket)
    {
        string path;
        try
        {
            path = socket ?? SocketPath.Default();
        }
        catch (HostConfigurationException none)
        {
            throw CommandException.BadUsage(none.Message, none);
        }

        try
        {
            return StatusClient.Connect(path);
        }
        catch (Exception unreachable) when (unreachable is SocketException or ArgumentException)
        {
            string reason = unreachable is SocketException { SocketErrorCode: SocketError.AccessDenied }
                ? "this user may not use that socket"
                : $"no host listens there ({unreachable.Message})";
            throw CommandException.Failed($"{path}: {reason}. Start one with 'pageshare host', or name another --socket.", unreachable);
        }
        catch (Exception refused) when (refused is IOException or TimeoutException)
        {
            throw CommandException.Failed($"{path}: {refused.Message}", refused);
        }
    }

    /// <summary>Asks a host, and says in one line what went wrong.</summary>
    public static T Ask<T>(Func<T> question)
    {
        try
        {
            return question();
        }
        catch (RefusedException refused)
        {
            throw CommandException.Failed(refused.Refusal.Reason, refused);
        }
        catch (Exception gone) when (gone is IOException or TimeoutException)
        {
            throw CommandException.Failed($"the host is gone: {gone.Message}", gone);
        }
    }
}

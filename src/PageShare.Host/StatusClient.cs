using System.Text;
using Microsoft.Win32.SafeHandles;
using PageShare.Protocol;
using PageShare.Protocol.Messages;

namespace PageShare.Host;

/// <summary>An operator's connection to a host. Thread-safe.</summary>
public sealed class StatusClient : IDisposable
{
    private readonly HostClient _client;

    private StatusClient(HostClient client)
    {
        _client = client;
    }

    /// <summary>What the host said of itself when this connected.</summary>
    public WelcomeAnswer Host => _client.Welcome;

    /// <summary>Connects to a host as an operator.</summary>
    /// <param name="path">Its socket; <see cref="Configuration.SocketPath.Default"/> where nothing else is
    /// said.</param>
    /// <param name="timeout">How long each answer may take; null for 30 seconds.</param>
    /// <exception cref="System.Net.Sockets.SocketException">Nobody listens there, or it is not reachable for this
    /// user.</exception>
    /// <exception cref="RefusedException">This user is no operator there.</exception>
    /// <exception cref="ProtocolException">Who listens there is no host, or of another version.</exception>
    /// <exception cref="TimeoutException">The host does not answer.</exception>
    public static StatusClient Connect(string path, TimeSpan? timeout = null) =>
        new(HostClient.Connect(path, "pageshare", isOperator: true, timeout));

    /// <summary>All counters now.</summary>
    /// <exception cref="IOException">The host is gone, or refuses.</exception>
    public StatusAnswer GetStatus() =>
        _client.Request<StatusRequest, StatusAnswer>(MessageKind.GetStatus, new StatusRequest(), MessageKind.Status);

    /// <summary>Has a guest, or all, left alone, shared again, or given all its pages back.</summary>
    /// <param name="action">What to do.</param>
    /// <param name="guest">Its name, or <c>USER/NAME</c> where two users have one of that name; null for all.</param>
    /// <exception cref="RefusedException">There is no such guest, or it did not do as told.</exception>
    /// <exception cref="IOException">The host is gone.</exception>
    public void Control(ControlAction action, string? guest) =>
        _client.Request(MessageKind.Control, new ControlRequest(action, guest));

    /// <summary>What each page of a guest is, and its memory to look at.</summary>
    /// <param name="guest">As above.</param>
    /// <exception cref="RefusedException">There is no such guest.</exception>
    /// <exception cref="IOException">The host is gone.</exception>
    public GuestContents GetContents(string guest)
    {
        var kinds = new StringBuilder();
        SafeFileHandle? backing = null;
        try
        {
            while (true)
            {
                using var frame = _client.Request(
                    MessageKind.GetContents, new ContentsRequest(guest, kinds.Length), MessageKind.Contents);
                var part = frame.Read<ContentsAnswer>();
                kinds.Append(part.Kinds);
                if (backing is null && frame.Descriptors.Count > 0)
                {
                    backing = frame.Take(0);
                }

                if (part.Kinds.Length == 0 || kinds.Length >= part.Pages)
                {
                    return new GuestContents(part.Pages, kinds.ToString(), backing);
                }
            }
        }
        catch
        {
            backing?.Dispose();
            throw;
        }
    }

    /// <summary>A guest's memory, to read what its pages hold.</summary>
    /// <param name="guest">Its name.</param>
    /// <exception cref="RefusedException">There is no such guest, or this user is neither the host's own nor
    /// root.</exception>
    /// <exception cref="IOException">The host is gone.</exception>
    internal HostedMemory GetMemory(string guest)
    {
        using var frame = _client.Request(MessageKind.GetMemory, new MemoryRequest(guest), MessageKind.Memory);
        var answer = frame.Read<MemoryAnswer>();
        string copies = "";
        if (answer.FaultMode == FaultMode.Kernel)
        {
            using var contents = GetContents(guest);
            copies = contents.Kinds;
        }

        return HostedMemory.Take(answer, frame, copies);
    }

    /// <inheritdoc/>
    public void Dispose() => _client.Dispose();
}

/// <summary>A guest's pages.</summary>
/// <param name="Pages">How many.</param>
/// <param name="Kinds">One letter a page: z zero, s shared, c shared and written since, the copy in its process alone, p
/// private, v volatile, - absent.</param>
/// <param name="Backing">The guest's own memory, read-only, for the host's own user and root; null for other operators.
/// A shared page reads as zero here: its bytes are in the store.</param>
public sealed record GuestContents(long Pages, string Kinds, SafeFileHandle? Backing) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose() => Backing?.Dispose();
}

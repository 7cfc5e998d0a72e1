using PageShare.Attachment;
using PageShare.Memory;
using PageShare.Platform;
using PageShare.Protocol;
using PageShare.Protocol.Messages;

namespace PageShare;

/// <summary>
/// A program's connection to a host that shares its memory's equal pages with those of other programs. See
/// <c>pageshare host</c> for the other end.
/// </summary>
/// <remarks>
/// <para>When the host goes away the client reaches for one on the same socket, with growing pauses, for as long as it
/// lives, and has it go on with the guests: the same host, or a new one, which then takes them over.</para>
/// <para>A host sees and serves all of its guests' memory. So it must run as root or as this process's user, or as one
/// of <see cref="GuestClientOptions.HostUsers"/>; that is checked each time a connection is made. Keep the socket where
/// only the host's user can make files.</para>
/// <para>The first client of a process installs a handler for SIGSEGV in front of the runtime's. It stays for the life
/// of the process and passes on what is not its own.</para>
/// <para>Thread-safe. Linux only.</para>
/// </remarks>
public sealed class GuestClient : IDisposable
{
    // Mappings that a break may give up at the kernel's limit; see ps_reserve_fill. The host has them filled up again.
    private const uint ReserveMappings = 64;

    private readonly IPlatform _platform;
    private readonly HostConnection _connection;
    private readonly Lock _gate = new();
    private readonly List<GuestMemory> _guests = []; // guard: the gate
    private bool _isDisposed;                        // guard: the gate

    private GuestClient(IPlatform platform, string path, GuestClientOptions options, HostClient first)
    {
        _platform = platform;
        _connection = new HostConnection(path, options, first, () => Guests);
    }

    /// <summary>Whether there is a host now.</summary>
    public GuestClientState State
    {
        get
        {
            lock (_gate)
            {
                return _isDisposed ? GuestClientState.Disposed
                    : _connection.Current is null ? GuestClientState.Reconnecting : GuestClientState.Connected;
            }
        }
    }

    /// <summary>Why no host could be reached the last time; null while connected.</summary>
    public string? Problem => _connection.Problem;

    /// <summary>The guests now, in order of allocation.</summary>
    public IReadOnlyList<GuestMemory> Guests
    {
        get
        {
            lock (_gate)
            {
                return [.. _guests];
            }
        }
    }

    /// <summary>The connection.</summary>
    internal HostConnection Host => _connection;

    /// <summary>Connects to a host.</summary>
    /// <param name="socketPath">The socket that the host listens on.</param>
    /// <param name="options">Settings; null for the defaults.</param>
    /// <exception cref="ArgumentOutOfRangeException">A setting is out of range; the message names it.</exception>
    /// <exception cref="PlatformNotSupportedException">The system is not Linux, or its pages are not of 4096
    /// bytes.</exception>
    /// <exception cref="HostUnavailableException">No host listens there, or it does not answer, or it is of a user whom
    /// <paramref name="options"/> do not accept.</exception>
    /// <exception cref="RefusedException">The host does not serve this user.</exception>
    /// <exception cref="ProtocolException">Who listens there is no host, or of another version.</exception>
    /// <exception cref="PlatformException">The fault handler cannot be installed.</exception>
    public static GuestClient Connect(string socketPath, GuestClientOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(socketPath);
        options ??= new GuestClientOptions();
        options.Validate();
        var platform = HostPlatform.Create();
        ReceivedMemory.SharingOf(platform);
        if (Environment.SystemPageSize != PageSize.Bytes)
        {
            throw new PlatformNotSupportedException(
                $"PageShare works on pages of {PageSize.Bytes} bytes; this system's have {Environment.SystemPageSize}.");
        }

        Shim.Require(Shim.InstallHandler(), "installing", "the fault handler");
        _ = Shim.FillReserve(ReserveMappings); // as many as there are
        var path = Path.GetFullPath(socketPath); // for reconnecting, wherever the program goes meanwhile
        var first = HostConnection.Ask(() => HostConnection.Open(path, options), path);
        return new GuestClient(platform, path, options, first);
    }

    /// <summary>Allocates memory for a guest: zeroed, page-aligned, with a page at either end that faults on every
    /// access.</summary>
    /// <param name="name">For people and counters; unique among this user's guests at the host, without a slash.</param>
    /// <param name="sizeInBytes">A positive multiple of 4096.</param>
    /// <param name="domain">Share domain: the guests that may read each other's shared pages. Null: the one that the
    /// host has for this user.</param>
    /// <inheritdoc cref="Allocate(string, long, GuestOptions)"/>
    public GuestMemory Allocate(string name, long sizeInBytes, string? domain = null) =>
        Allocate(name, sizeInBytes, new GuestOptions { Domain = domain });

    /// <summary>The same with more to choose.</summary>
    /// <param name="name">For people and counters; unique among this user's guests at the host, without a slash.</param>
    /// <param name="sizeInBytes">A positive multiple of 4096.</param>
    /// <param name="options">Domain, fault mode, room to grow; what is null there is the host's choice.</param>
    /// <exception cref="ArgumentOutOfRangeException">The size is not that, or an option is out of range.</exception>
    /// <exception cref="RefusedException">The host's configuration does not allow it, or the name is taken; the message
    /// says why.</exception>
    /// <exception cref="HostUnavailableException">There is no host now.</exception>
    /// <exception cref="PlatformException">The system lacks memory, mappings, address space or descriptors.</exception>
    /// <exception cref="ObjectDisposedException">The client is disposed.</exception>
    public GuestMemory Allocate(string name, long sizeInBytes, GuestOptions options)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        SizeCheck.RequirePages(sizeInBytes, nameof(sizeInBytes));
        if (options.MaximumBytes < sizeInBytes)
        {
            throw new ArgumentOutOfRangeException(nameof(options), options.MaximumBytes,
                $"{nameof(GuestOptions.MaximumBytes)} is less than the guest's size, {sizeInBytes} bytes.");
        }

        ObjectDisposedException.ThrowIf(State == GuestClientState.Disposed, this);
        var connection = _connection.Require();
        var guest = HostConnection.Ask(() => Allocate(connection, name, sizeInBytes, options));
        lock (_gate)
        {
            if (!_isDisposed)
            {
                _guests.Add(guest);
            }
        }

        if (State == GuestClientState.Disposed)
        {
            guest.Dispose();
            throw new ObjectDisposedException(nameof(GuestClient));
        }

        // Whoever reconnects from now on finds the guest in the list. Who did so a moment ago did not.
        if (_connection.Current is { } now && now != connection)
        {
            HostConnection.Ask(() => guest.Resume(now));
        }

        return guest;
    }

    /// <summary>
    /// Frees all guests and ends the connection. Memory that is pinned stays until its pins end. For a host that does
    /// not answer it waits once, as long as <see cref="GuestClientOptions.RequestTimeout"/> says.
    /// </summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_isDisposed)
            {
                return;
            }

            _isDisposed = true;
        }

        foreach (var guest in Guests)
        {
            guest.Dispose();
        }

        _connection.Dispose();
    }

    /// <summary>Takes a guest off the list.</summary>
    internal void Forget(GuestMemory guest)
    {
        lock (_gate)
        {
            _guests.Remove(guest);
        }
    }

    private GuestMemory Allocate(HostClient connection, string name, long sizeInBytes, GuestOptions options)
    {
        using var frame = connection.Request(
            MessageKind.Allocate,
            new AllocateRequest(
                name, sizeInBytes, options.MaximumBytes, options.Domain, options.FaultMode, options.Sharing),
            MessageKind.Allocated);
        var answer = frame.Read<AllocatedAnswer>();
        GuestMemory guest;
        try
        {
            if (answer.Pages != sizeInBytes / PageSize.Bytes)
            {
                throw new UntrustedMemoryException($"Asked for {sizeInBytes} bytes it gave {answer.Pages} pages.");
            }

            var region = AttachedRegion.Create(
                _platform, StoreTable.OfProcess, connection.Welcome.HostId, name, answer, frame);
            guest = new GuestMemory(this, connection, region, name, answer, options.Sharing);
        }
        catch
        {
            _connection.FreeAtHost(connection.Welcome.HostId, answer.GuestId);
            throw;
        }

        try
        {
            guest.Attach(connection);
            return guest;
        }
        catch
        {
            guest.Dispose();
            throw;
        }
    }
}

using PageShare.Attachment;
using PageShare.Memory;
using PageShare.Metrics;
using PageShare.Platform;
using PageShare.Protocol;
using PageShare.Protocol.Messages;

namespace PageShare;

/// <summary>
/// A guest in a process of its own: memory whose equal pages a host finds and shares, while the memory itself, and all
/// that is done for a writer, stays in this process.
/// </summary>
/// <remarks>
/// <para>Thread-safe; see <see cref="MappedGuest"/> for how the memory is used.</para>
/// <para>The memory needs no host. When the host goes away it stays as it is, and writes to shared pages get their own
/// copies as before; nothing new is shared until the client has reached a host again. Meanwhile <see cref="Snapshot"/>
/// throws <see cref="HostUnavailableException"/>, since the counters are the host's; all other members work, and the
/// host learns of them later.</para>
/// </remarks>
public sealed unsafe class GuestMemory : MappedGuest
{
    private readonly Lock _gate = new();
    private readonly GuestClient _client;
    private readonly AttachedRegion _region;

    // Guard of all: the gate. Properties read some without: who has the gate may be waiting for a host.
    private Guid _hostId;
    private long _guestId;
    private HostClient? _connection; // where it is attached; null if nowhere
    private string? _refusal;
    private bool _isToBeTriedAgain;
    private bool _sharing;
    private bool _toldSharing; // what the host was told last
    private long _pages;
    private long _toldPages;
    private bool _isDisposed;

    // Who disposes, while the region is released on its thread. See Dispose.
    private int _disposingThread;

    internal GuestMemory(
        GuestClient client,
        HostClient connection,
        AttachedRegion region,
        string name,
        AllocatedAnswer answer,
        bool sharing)
    {
        _client = client;
        _region = region;
        _hostId = connection.Welcome.HostId;
        _guestId = answer.GuestId;
        _pages = _toldPages = answer.Pages;
        _sharing = _toldSharing = sharing;
        Name = name;
        Domain = answer.Domain;
        FaultMode = answer.FaultMode;
        region.Handle.Released = OnReleased;
    }

    /// <inheritdoc/>
    public override string Name { get; }

    /// <inheritdoc/>
    public override string Domain { get; }

    /// <inheritdoc/>
    public override FaultMode FaultMode { get; }

    /// <inheritdoc/>
    public override long Length => Volatile.Read(ref _pages) * PageSize.Bytes;

    /// <inheritdoc/>
    public override long MaximumLength => _region.MaximumPages * PageSize.Bytes;

    /// <summary>Whether a host shares its pages now, or would if <see cref="Sharing"/> were on.</summary>
    public bool IsAttached => Volatile.Read(ref _connection) is { } connection && connection == _client.Host.Current;

    /// <summary>Why the host that was reached last would not go on with this guest; null if it did.</summary>
    public string? Refusal => Volatile.Read(ref _refusal);

    /// <inheritdoc/>
    /// <exception cref="RefusedException">The host does not allow it; it stays as it was.</exception>
    /// <exception cref="ObjectDisposedException">The guest is disposed.</exception>
    public override bool Sharing
    {
        get => Volatile.Read(ref _sharing);
        set
        {
            lock (_gate)
            {
                ObjectDisposedException.ThrowIf(_isDisposed, this);
                TellSharing(value);
                Volatile.Write(ref _sharing, value);
            }
        }
    }

    internal override RegionHandle Handle => _region.Handle;

    internal override bool IsDisposed => Volatile.Read(ref _isDisposed);

    // SAFETY: only the address; the base class checks that the guest is not disposed before it hands it out.
    internal override byte* Start => _region.Start;

    /// <summary>Whether the watch over the connection has something to do for this guest now and then.</summary>
    internal bool NeedsCare
    {
        get
        {
            lock (_gate)
            {
                return !_isDisposed && (_region.HasFormerStores || _isToBeTriedAgain);
            }
        }
    }

    /// <summary>The guest's counters, as the host counts them.</summary>
    /// <exception cref="HostUnavailableException">No host has this guest now. The counters are nowhere else.</exception>
    /// <exception cref="ObjectDisposedException">The guest is disposed.</exception>
    public override GuestSnapshot Snapshot()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            var connection = _connection ?? throw new HostUnavailableException(
                _refusal is null
                    ? $"Guest '{Name}' has no host now."
                    : $"The host does not go on with guest '{Name}': {_refusal}");
            return HostConnection.Ask(() => connection.Request<GuestRequest, SnapshotAnswer>(
                MessageKind.GetSnapshot, new GuestRequest(_guestId), MessageKind.Snapshot)).Guest;
        }
    }

    /// <summary>
    /// Frees the guest. Waits for fault handlers and the order that is under way; while a pin is held, the memory stays
    /// until the pin ends.
    /// </summary>
    public override void Dispose()
    {
        lock (_gate)
        {
            if (_isDisposed)
            {
                return;
            }

            _isDisposed = true;
            Volatile.Write(ref _disposingThread, Environment.CurrentManagedThreadId);
            _region.Dispose(); // OnReleased comes now, or on the thread that ends the last pin
            Volatile.Write(ref _disposingThread, 0);
        }

        _client.Forget(this);
    }

    internal override void GrowTo(long newSizeInBytes)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            var pages = newSizeInBytes / PageSize.Bytes;
            _region.Grow(pages, Name);
            TellPages(pages);
            Volatile.Write(ref _pages, pages);
        }
    }

    /// <summary>Tells a host that just sent this guest that it may order now.</summary>
    /// <exception cref="IOException">The host refused, or is gone.</exception>
    internal void Attach(HostClient connection)
    {
        lock (_gate)
        {
            _region.StartAgent();
            connection.Request(MessageKind.Attached, new GuestRequest(_guestId));
            _connection = connection;
        }
    }

    /// <summary>
    /// Goes on with the host at the other end of a new connection: the same one, or one that knows nothing yet. Does
    /// nothing if it has that already.
    /// </summary>
    /// <exception cref="IOException">The connection broke. What the host refuses for this guest alone is kept in
    /// <see cref="Refusal"/> instead.</exception>
    internal void Resume(HostClient connection)
    {
        lock (_gate)
        {
            _isToBeTriedAgain = false;
            if (_isDisposed || _connection == connection)
            {
                return;
            }

            _connection = null;
            try
            {
                _region.StopAgent();
                RequestResume(connection);
                Attach(connection);
                TellPages(_pages);
                TellSharing(_sharing);
                _refusal = null;
            }
            catch (RefusedException refused) when (refused.Code != RefusalCode.Stopping)
            {
                _refusal = refused.Refusal.Reason;
                _isToBeTriedAgain = refused.Code is RefusalCode.OutOfResources or RefusalCode.OverQuota;
            }
            catch (Exception local) when (local is PlatformException or UntrustedMemoryException)
            {
                _refusal = local.Message;
                _isToBeTriedAgain = local is PlatformException;
            }
        }
    }

    /// <summary>What the watch over the connection does now and then.</summary>
    /// <exception cref="IOException">The connection broke.</exception>
    internal void Care(HostClient connection)
    {
        lock (_gate)
        {
            if (_isDisposed)
            {
                return;
            }

            _region.DropFormerStores();
            if (_isToBeTriedAgain)
            {
                Resume(connection);
            }
        }
    }

    private void RequestResume(HostClient connection)
    {
        var host = connection.Welcome.HostId;
        var (generations, descriptors) = _region.PrepareResume();
        using var frame = connection.Request(
            MessageKind.Resume,
            new ResumeRequest(
                _hostId, _guestId, Name, _pages, _region.MaximumPages, Domain, FaultMode, _sharing, generations,
                _region.NextGeneration),
            MessageKind.Resumed,
            descriptors);
        var answer = frame.Read<ResumedAnswer>();
        if (answer.IsSame != (host == _hostId) || frame.Descriptors.Count != (answer.IsSame ? 0 : 2))
        {
            throw new ProtocolException($"The host's answer to Resume fits no host of this guest: {answer}.");
        }

        if (!answer.IsSame)
        {
            try
            {
                _region.ChangeHost(host, frame);
            }
            catch
            {
                // The host has the guest and this process has not: it must not wait for it.
                _client.Host.FreeAtHost(host, answer.GuestId);
                throw;
            }

            _toldPages = _pages;
            _toldSharing = _sharing;
        }

        _hostId = host;
        _guestId = answer.GuestId;
    }

    private void TellPages(long pages)
    {
        if (pages != _toldPages && TryTell(MessageKind.Grow, new GrowRequest(_guestId, pages)))
        {
            _toldPages = pages;
        }
    }

    private void TellSharing(bool sharing)
    {
        var action = sharing ? ControlAction.Resume : ControlAction.Pause;
        if (sharing != _toldSharing && TryTell(MessageKind.Control, new ControlRequest(action, Name)))
        {
            _toldSharing = sharing;
        }
    }

    /// <summary>Tells the host; false if none is there, and then it is told when it resumes the guest.</summary>
    /// <exception cref="RefusedException">The host does not want that.</exception>
    private bool TryTell<T>(MessageKind kind, T request)
    {
        try
        {
            _connection?.Request(kind, request);
            return _connection is not null;
        }
        catch (Exception gone) when (gone is TimeoutException or (IOException and not RefusedException))
        {
            return false; // the watch over the connection sees the same, and resumes
        }
    }

    /// <summary>The region is gone: nothing maps the memory any more, so the host may forget it.</summary>
    private void OnReleased()
    {
        if (Volatile.Read(ref _disposingThread) == Environment.CurrentManagedThreadId)
        {
            _client.Host.FreeAtHost(_hostId, _guestId);
        }
        else
        {
            // Whoever ended a pin should not wait for a host.
            ThreadPool.UnsafeQueueUserWorkItem(
                static guest => guest._client.Host.FreeAtHost(guest._hostId, guest._guestId), this, preferLocal: false);
        }
    }
}

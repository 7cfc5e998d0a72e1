using PageShare.Host.Access;
using PageShare.Platform.Linux;
using PageShare.Protocol.Messages;

namespace PageShare.Host.Guests;

/// <summary>A guest of the table: its memory, whose it is, and which connection holds it.</summary>
internal sealed class HostedGuest
{
    // Before the request gives up: the host sees the end of the former connection as soon as its thread runs.
    private static readonly TimeSpan FormerConnectionPatience = TimeSpan.FromSeconds(5);

    // with Monitor, since waiters are woken; the engine's locks are taken inside it
    private readonly object _gate = new();
    private IGuestHolder? _holder;         // guard: _gate
    private bool _isGone;                  // guard: _gate

    public HostedGuest(
        long id, string name, IGuestHolder holder, IGuestMemory memory, long chargedBytes, FileIdentity backing)
    {
        Id = id;
        Name = name;
        User = holder.Rights.User;
        ProcessId = holder.ProcessId;
        Account = holder.Account;
        Memory = memory;
        ChargedBytes = chargedBytes;
        BackingFile = backing;
        _holder = holder;
    }

    public long Id { get; }

    public string Name { get; }

    public uint User { get; }

    /// <summary>What tells it from all others.</summary>
    public GuestKey Key => new(User, Name);

    public int ProcessId { get; }

    public UserAccount Account { get; }

    public IGuestMemory Memory { get; }

    /// <summary>What tells this backing from all others.</summary>
    public FileIdentity BackingFile { get; }

    /// <summary>What the account is charged with.</summary>
    public long ChargedBytes { get; }

    /// <summary>Tells when the process ends. Set once, before others see the guest.</summary>
    public WatchedProcess? Process { get; set; }

    /// <summary>As <see cref="GuestProcess.State"/> has it.</summary>
    public string State
    {
        get
        {
            lock (_gate)
            {
                return _holder is null ? "lost" : Memory.State switch
                {
                    IsolatedState.Late => "late",
                    IsolatedState.Moving => "moving",
                    IsolatedState.Detached => "created",
                    IsolatedState.Distrusted => "distrusted",
                    _ => "attached",
                };
            }
        }
    }

    /// <summary>Whether a request of this connection may name the guest: it comes from the guest's process.</summary>
    public bool IsOf(IGuestHolder client) => client.Rights.User == User && client.ProcessId == ProcessId;

    /// <summary>The guest has mapped its memory: orders may come.</summary>
    public void Attach() => Do(() =>
    {
        if (_holder is null)
        {
            throw new RequestRefusedException(
                RefusalCode.Invalid, $"Guest {Id} has lost its connection: resume it before it is attached.");
        }

        Memory.Attach();
    });

    /// <summary>Makes the guest larger.</summary>
    public void Grow(long pages) => Do(() =>
    {
        if (pages < Memory.Pages || pages > Memory.MaximumPages)
        {
            throw new RequestRefusedException(
                RefusalCode.Invalid,
                $"Guest {Id} has {Memory.Pages} pages and may grow to {Memory.MaximumPages}, not to {pages}.");
        }

        Memory.Grow(pages);
    });

    /// <summary>A new connection of the same process takes the guest over.</summary>
    public void Resume(IGuestHolder client) => Do(() =>
    {
        if (_holder is { HasHungUp: false })
        {
            throw new RequestRefusedException(
                RefusalCode.Invalid, $"Guest {Id} is held by another connection of its process: end that first.");
        }

        while (_holder is not null)
        {
            if (!Monitor.Wait(_gate, FormerConnectionPatience))
            {
                throw new RequestRefusedException(
                    RefusalCode.OutOfResources,
                    $"Guest {Id} is still being taken from its former connection: try again.");
            }

            RequireHere();
        }

        _holder = client;
    });

    /// <summary>The connection has ended. False: it did not hold this guest.</summary>
    public bool Lose(IGuestHolder connection)
    {
        lock (_gate)
        {
            if (_isGone || _holder != connection)
            {
                return false;
            }

            // No more orders; what is shared stays as it is until the process ends or comes back.
            Memory.Detach();
            _holder = null;
            Monitor.PulseAll(_gate);
            return true;
        }
    }

    /// <summary>Ends the connection that holds the guest, which then has lost it.</summary>
    public void Disconnect()
    {
        lock (_gate)
        {
            _holder?.Close();
        }
    }

    /// <summary>Gives up all it has. False: somebody else has done so.</summary>
    public bool End()
    {
        lock (_gate)
        {
            if (_isGone)
            {
                return false;
            }

            _isGone = true;
            _holder = null;
            Memory.Dispose();
            Monitor.PulseAll(_gate);
            return true;
        }
    }

    private void Do(Action action)
    {
        lock (_gate)
        {
            RequireHere();
            action();
        }
    }

    private void RequireHere()
    {
        if (_isGone)
        {
            throw NotFound(Id);
        }
    }

    /// <summary>The same words for a guest that is gone and one of somebody else: ids are no secret worth
    /// finding.</summary>
    public static RequestRefusedException NotFound(long id) =>
        new(RefusalCode.NotFound, $"There is no guest {id} of this process.");
}

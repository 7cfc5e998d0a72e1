using System.Diagnostics.CodeAnalysis;
using PageShare.Host.Access;
using PageShare.Platform.Linux;
using PageShare.Protocol.Messages;

namespace PageShare.Host.Guests;

/// <summary>The guests of a host, by id, and by user and name, from their request to their process' end.</summary>
/// <remarks>
/// <para>A guest goes when its process has said so or has ended. A lost connection alone takes nothing from it: it maps
/// frames, and the same process may come back for it.</para>
/// <para>Thread-safe. Lock order: this table's, then nothing; a guest's own gate, then the engine's. No guest is called
/// with the table's lock held.</para>
/// </remarks>
internal sealed class GuestTable : IDisposable
{
    // A process that is started anew by its supervisor may ask before the host has cleared its predecessor away.
    private static readonly TimeSpan PredecessorPatience = TimeSpan.FromSeconds(10);

    private readonly object _lock = new(); // with Monitor, since waiters for a name are woken
    private readonly Dictionary<long, HostedGuest> _byId = [];
    private readonly Dictionary<GuestKey, HostedGuest?> _byKey = []; // null: being made
    private readonly HashSet<FileIdentity> _backings = [];
    private readonly ProcessWatch _watch = new();
    private readonly HostLog _log;
    private long _lastId;

    public GuestTable(HostLog log)
    {
        _log = log;
    }

    /// <summary>All guests, in the order in which they came.</summary>
    public IReadOnlyList<HostedGuest> All
    {
        get
        {
            lock (_lock)
            {
                return [.. _byId.Values.OrderBy(static guest => guest.Id)];
            }
        }
    }

    /// <summary>Adds a guest.</summary>
    /// <param name="holder">The connection that asks.</param>
    /// <param name="name">Its name; unique among its user's guests.</param>
    /// <param name="maximumBytes">What the account is charged with.</param>
    /// <param name="backing">The backing that the client claims to have; null for a new guest.</param>
    /// <param name="make">Makes its memory; called without a lock.</param>
    /// <exception cref="RequestRefusedException">The name or the memory is taken, or the quota is.</exception>
    public HostedGuest Add(
        IGuestHolder holder, string name, long maximumBytes, FileIdentity? backing, Func<IGuestMemory> make)
    {
        var key = new GuestKey(holder.Rights.User, name);
        Reserve(key);
        var isBackingReserved = false;
        var isCharged = false;
        IGuestMemory? memory = null;
        try
        {
            if (backing is { } claimed)
            {
                ReserveBacking(claimed);
                isBackingReserved = true;
            }

            if (holder.Account.Charge(holder.Rights, maximumBytes) is { } refusal)
            {
                throw new RequestRefusedException(refusal);
            }

            isCharged = true;
            memory = make();
            return Register(holder, name, memory, maximumBytes, backing);
        }
        catch
        {
            memory?.Dispose();
            if (isCharged)
            {
                holder.Account.Discharge(maximumBytes);
            }

            Unreserve(key, isBackingReserved ? backing : null);
            throw;
        }
    }

    /// <summary>A guest by its id, for a request of its own process.</summary>
    /// <exception cref="RequestRefusedException">There is none, or it is another process'.</exception>
    public HostedGuest Find(long id, IGuestHolder client)
    {
        lock (_lock)
        {
            return _byId.TryGetValue(id, out var guest) && guest.IsOf(client) ? guest : throw HostedGuest.NotFound(id);
        }
    }

    /// <summary>A guest by user and name.</summary>
    public bool TryFind(GuestKey key, [NotNullWhen(true)] out HostedGuest? guest)
    {
        lock (_lock)
        {
            return _byKey.TryGetValue(key, out guest) && guest is not null;
        }
    }

    /// <summary>A connection has ended: its guests are lost until their processes end or come back.</summary>
    public void Lose(IGuestHolder connection)
    {
        foreach (var guest in All.Where(guest => guest.Lose(connection)))
        {
            _log.GuestLost(guest.Name, guest.Id, guest.ProcessId);
        }
    }

    /// <summary>Takes a guest out of the table and gives up what it has. False: it was gone.</summary>
    public bool Remove(HostedGuest guest)
    {
        var isMine = true;
        try
        {
            isMine = guest.End();
        }
        finally
        {
            // Also if its memory could not be given up: nobody can ask for it any more.
            if (isMine)
            {
                Unregister(guest);
            }
        }

        return isMine;
    }

    /// <summary>Ends watching. The guests' memory is the engine's to leave as it is.</summary>
    public void Dispose() => _watch.Dispose();

    private HostedGuest Register(
        IGuestHolder holder, string name, IGuestMemory memory, long maximumBytes, FileIdentity? claimed)
    {
        var backing = claimed ?? FileIdentity.Of(memory.Backing);
        var process = holder.OpenProcess() ?? throw new RequestRefusedException(
            RefusalCode.OutOfResources,
            "The guest's process can't be watched: it has ended, the host is out of descriptors, or the kernel has no "
            + "pidfd (Linux 5.3).");
        HostedGuest guest;
        lock (_lock)
        {
            guest = new HostedGuest(++_lastId, name, holder, memory, maximumBytes, backing);
            _backings.Add(guest.BackingFile);
            _byId.Add(guest.Id, guest);
            _byKey[guest.Key] = guest;

            // Under the lock: an end that is told at once waits for it, in Remove, and finds everything in place.
            guest.Process = _watch.Watch(process, () => EndWithItsProcess(guest));
        }

        return guest;
    }

    private void Unregister(HostedGuest guest)
    {
        guest.Process?.Dispose();
        guest.Account.Discharge(guest.ChargedBytes);
        lock (_lock)
        {
            _byId.Remove(guest.Id);
            _byKey.Remove(guest.Key);
            _backings.Remove(guest.BackingFile);
            Monitor.PulseAll(_lock);
        }
    }

    private void EndWithItsProcess(HostedGuest guest)
    {
        try
        {
            if (Remove(guest))
            {
                _log.GuestDied(guest.Name, guest.Id, guest.ProcessId);
            }
        }
        catch (Exception failure)
        {
            // The watch serves all other guests; what could not be given up stays with this one.
            _log.GuestNotFreed(guest.Name, guest.Id, failure);
        }
    }

    private void Reserve(GuestKey key)
    {
        lock (_lock)
        {
            while (!_byKey.TryAdd(key, null))
            {
                var taken = _byKey[key];
                if (taken is not { Process.HasEnded: true } || !Monitor.Wait(_lock, PredecessorPatience))
                {
                    throw new RequestRefusedException(
                        RefusalCode.Invalid,
                        $"User {key.User} has a guest named '{key.Name}' already"
                        + (taken is null ? "." : $", of process {taken.ProcessId}."));
                }
            }
        }
    }

    private void ReserveBacking(FileIdentity backing)
    {
        lock (_lock)
        {
            if (!_backings.Add(backing))
            {
                throw new RequestRefusedException(
                    RefusalCode.Invalid, "This memory is a guest of this host already: it can't be resumed twice.");
            }
        }
    }

    private void Unreserve(GuestKey key, FileIdentity? backing)
    {
        lock (_lock)
        {
            if (_byKey.TryGetValue(key, out var guest) && guest is null)
            {
                _byKey.Remove(key);
            }

            if (backing is { } claimed)
            {
                _backings.Remove(claimed);
            }

            Monitor.PulseAll(_lock);
        }
    }
}

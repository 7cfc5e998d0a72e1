using Microsoft.Win32.SafeHandles;
using PageShare.Platform;
using PageShare.Platform.Linux;

namespace PageShare.Attachment;

/// <summary>The frame stores that guests of this process map, whichever client they came by. Thread-safe.</summary>
internal sealed class StoreTable
{
    private readonly List<SharedStore> _stores = []; // guard: itself

    /// <summary>The process's table: mappings belong to a process, not to a connection.</summary>
    public static StoreTable OfProcess { get; } = new();

    /// <summary>Stores that are in use.</summary>
    public int Count
    {
        get
        {
            lock (_stores)
            {
                return _stores.Count;
            }
        }
    }

    /// <summary>
    /// The store behind a descriptor that a host has sent, mapped only if it is not here already; to be released once.
    /// </summary>
    /// <param name="platform">Where memory comes from.</param>
    /// <param name="host">The host.</param>
    /// <param name="received">The descriptor; taken over if it is needed, else the caller's still.</param>
    /// <param name="viewBytes">How long the view must be.</param>
    /// <exception cref="UntrustedMemoryException">It is no store.</exception>
    /// <exception cref="PlatformException">Out of address space.</exception>
    public SharedStore Take(IPlatform platform, Guid host, SafeFileHandle received, long viewBytes)
    {
        var identity = FileIdentity.Of(received);
        lock (_stores)
        {
            var known = _stores.Find(store =>
                store.Host == host && store.Identity == identity && store.View.Length >= viewBytes);
            if (known is not null)
            {
                known.Users++;
                return known;
            }

            var memory = ReceivedMemory.Accept(platform, received, "store", bytes: null, isWritten: false);
            try
            {
                var store = new SharedStore(
                    host, identity, memory, platform.Map(memory, viewBytes, writable: false));
                _stores.Add(store);
                return store;
            }
            catch
            {
                memory.Dispose();
                throw;
            }
        }
    }

    /// <summary>One user less; the last one closes it.</summary>
    public void Release(SharedStore store)
    {
        lock (_stores)
        {
            if (--store.Users > 0)
            {
                return;
            }

            _stores.Remove(store);
        }

        store.View.Dispose();
        store.Memory.Dispose();
    }
}

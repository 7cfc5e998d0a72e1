using PageShare.Memory;
using PageShare.PageTable;
using PageShare.Platform;

namespace PageShare.Merge;

/// <summary>
/// The three memory objects of a guest in another process, sealed against any change of their size, since the host maps
/// them too: a guest that made them smaller would end the host. As large as the guest may become.
/// </summary>
internal sealed class IsolatedMemory : IDisposable
{
    private IsolatedMemory(MemoryObject backing, MemoryObject table, MemoryObject ring)
    {
        Backing = backing;
        Table = table;
        Ring = ring;
    }

    /// <summary>The pages.</summary>
    public MemoryObject Backing { get; }

    /// <summary>The counters and page words.</summary>
    public MemoryObject Table { get; }

    /// <summary>The ring of orders.</summary>
    public MemoryObject Ring { get; }

    /// <summary>Makes them for a new guest.</summary>
    /// <exception cref="PlatformException">Out of descriptors or memory.</exception>
    public static IsolatedMemory Create(IProcessSharing system, string name, long maximumPages)
    {
        var backing = system.CreateSealed($"pageshare-guest:{name}", maximumPages * PageSize.Bytes);
        MemoryObject? table = null;
        try
        {
            table = system.CreateSealed($"pageshare-table:{name}", PageTableMemory.BytesFor(maximumPages));
            return new IsolatedMemory(backing, table, CreateRing(system, name, maximumPages));
        }
        catch
        {
            table?.Dispose();
            backing.Dispose();
            throw;
        }
    }

    /// <summary>Takes over those of a guest that has lost its host, and makes a new ring.</summary>
    /// <param name="system">The system.</param>
    /// <param name="name">The guest's name.</param>
    /// <param name="backing">The backing, which was checked; owned by the result if there is one.</param>
    /// <param name="table">The page table, likewise.</param>
    /// <param name="maximumPages">Pages that they have room for.</param>
    /// <exception cref="PlatformException">Out of descriptors or memory.</exception>
    public static IsolatedMemory Resume(
        IProcessSharing system, string name, MemoryObject backing, MemoryObject table, long maximumPages) =>
        new(backing, table, CreateRing(system, name, maximumPages));

    /// <inheritdoc/>
    public void Dispose()
    {
        Ring.Dispose();
        Table.Dispose();
        Backing.Dispose();
    }

    private static MemoryObject CreateRing(IProcessSharing system, string name, long maximumPages) =>
        system.CreateSealed($"pageshare-ring:{name}", RingHandle.BytesFor(maximumPages));
}

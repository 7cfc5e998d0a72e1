using PageShare.Platform;
using PageShare.Platform.Linux;

namespace PageShare.Attachment;

/// <summary>
/// A domain's frame store as this process sees it: one descriptor and one view for all its guests of that domain. With
/// a descriptor each, the mappings of neighbouring frames would not join, and mappings are what runs out first.
/// </summary>
/// <remarks>Immutable but for the count of users, which <see cref="StoreTable"/> guards. Each user releases it
/// once.</remarks>
internal sealed class SharedStore
{
    public SharedStore(Guid host, FileIdentity identity, MemoryObject memory, MappedMemory view)
    {
        Host = host;
        Identity = identity;
        Memory = memory;
        View = view;
    }

    /// <summary>The host that made it.</summary>
    public Guid Host { get; }

    /// <summary>What tells it from other stores of that host: one a domain.</summary>
    public FileIdentity Identity { get; }

    /// <summary>The descriptor, which can only read.</summary>
    public MemoryObject Memory { get; }

    /// <summary>All of it, as far as it may grow.</summary>
    public MappedMemory View { get; }

    /// <summary>How many guests use it. Guard: the table.</summary>
    public int Users { get; set; } = 1;
}

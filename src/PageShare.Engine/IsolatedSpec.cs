using System.Runtime.InteropServices;
using PageShare.PageTable;
using PageShare.Platform;

namespace PageShare;

/// <summary>What a guest in a process of its own is made from. What the user may ask for is for the host to
/// say.</summary>
internal record IsolatedSpec
{
    /// <summary>For people and snapshots.</summary>
    public required string Name { get; init; }

    /// <summary>Its size: a positive multiple of 4096.</summary>
    public required long Bytes { get; init; }

    /// <summary>The size that it may grow to, a multiple of 4096.</summary>
    public required long MaximumBytes { get; init; }

    /// <summary>Name of the share domain, whose members can read each other's shared pages.</summary>
    public required string Domain { get; init; }

    /// <summary>The process that is going to map it. Guests of one process have one budget of mappings.</summary>
    public required int ProcessId { get; init; }

    /// <summary>How stores to shared pages are caught; null: as the engine's options say.</summary>
    public FaultMode? FaultMode { get; init; }

    /// <summary>Whether its pages may be shared.</summary>
    public bool Sharing { get; init; } = true;
}

/// <summary>
/// What a guest hands over that has lost its host. Nothing of it is believed: descriptors are checked, and page words
/// are the guest's opinion of its own pages.
/// </summary>
internal sealed record ResumeSpec : IsolatedSpec
{
    /// <summary>Its backing.</summary>
    public required SafeHandle Backing { get; init; }

    /// <summary>Its page table.</summary>
    public required SafeHandle Table { get; init; }

    /// <summary>The stores that its pages may show.</summary>
    public required IReadOnlyList<FormerStore> Stores { get; init; }

    /// <summary>What its page words will call the new store: 1 to <see cref="PageWord.MaximumGeneration"/>.</summary>
    public required int NextGeneration { get; init; }

    /// <summary>Closes the descriptors that nobody has taken over.</summary>
    public void CloseDescriptors()
    {
        Backing.Dispose();
        Table.Dispose();
        foreach (var store in Stores)
        {
            store.Memory.Dispose();
        }
    }
}

/// <summary>A frame store of a former host.</summary>
/// <param name="Generation">What the guest's page words call it.</param>
/// <param name="Memory">Its descriptor.</param>
internal readonly record struct FormerStore(int Generation, SafeHandle Memory);

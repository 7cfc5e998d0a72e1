namespace PageShare.ArchitectureTests;

/// <summary>Where <c>unsafe</c> may stand: the places whose subject is memory, each with its reason.</summary>
internal static class UnsafeAllowList
{
    private const string Primitives = "src/PageShare.Primitives/";
    private const string Engine = "src/PageShare.Engine/";
    private const string Guest = "src/PageShare.Guest/";

    /// <summary>Folders (ending in a slash) and files, from the repository's root.</summary>
    public static IReadOnlyDictionary<string, string> Entries { get; } = new Dictionary<string, string>
    {
        [Primitives + "Platform/"] = "passes addresses to the operating system and to the native shim",
        [Primitives + "Memory/"] = "reserves the address range of a guest",
        [Engine + "Memory/"] = "maps the memory objects and hands out views of them",
        [Primitives + "PageTable/"] = "reads and writes the page words that the native shim maps too",
        [Engine + "Content/"] = "hashes, compares and indexes pages in native tables",
        [Engine + "Fault/"] = "reads the handler's counters and the kernel's ring of break events where they lie",
        [Engine + "Merge/"] = "fills merge orders and reads the pages that they name",
        [Engine + "Scan/ChunkScan.cs"] = "the hot path: hashes each page where it lies",
        [Primitives + "MappedGuest.cs"] = "its public pointer, and spans over the guest's memory",
        [Engine + "Guest.cs"] = "hands its first byte to the base class",
        [Primitives + "GuestMemoryManager.cs"] = "pins and spans over the guest's memory",
        [Guest + "GuestMemory.cs"] = "hands its first byte to the base class",
        [Guest + "Attachment/AgentRing.cs"] = "passes the ring to the native agent",
        [Guest + "Attachment/AttachedRegion.cs"] = "describes the region to the native shim",
        [Engine + "PageCensus.cs"] = "passes its bitmap of broken pages to the kernel's query",
        [Engine + "SnapshotBuilder.cs"] = "reads the handler's counters where they lie",
        [Engine + "PageShareEngine.cs"] = "Adopt takes the pointer of an existing range",
    };

    /// <summary>Whether the list covers a file, given by its path from the repository's root.</summary>
    public static bool Covers(string path) => Entries.Keys.Any(entry =>
        entry.EndsWith('/') ? path.StartsWith(entry, StringComparison.Ordinal) : path == entry);
}

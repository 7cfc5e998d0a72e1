using PageShare.Platform;

namespace PageShare.TestKit.Proof;

/// <summary>
/// The engine's memory objects as the system shows them: what they really take, whatever the engine says. On Windows,
/// which shows nothing of a section, as its platform keeps account of them: see <see cref="Sections"/>.
/// </summary>
public static class MemoryObjects
{
    /// <summary>Name of a guest's backing, without the guest's name.</summary>
    public const string Backings = "pageshare-guest:";

    /// <summary>Name of a frame store, without its domain's name.</summary>
    public const string Stores = "pageshare-store:";

    /// <summary>Pages allocated in all objects whose names begin so.</summary>
    /// <param name="namePrefix">Such as <see cref="Stores"/>.</param>
    /// <param name="process">The process that holds them; null for this one.</param>
    public static long PagesOf(string namePrefix, int? process = null) =>
        Find(namePrefix, process).Sum(static found => found.Pages);

    /// <summary>Pages allocated in all backings and frame stores of this process.</summary>
    public static long AllPages => PagesOf(Backings) + PagesOf(Stores);

    /// <summary>Names of the objects that belong to engines, and should be gone when these are.</summary>
    public static IReadOnlyList<string> Names => NamesOf(process: null);

    /// <summary>The same of another process.</summary>
    public static IReadOnlyList<string> NamesOf(int? process) => [.. Find("pageshare-", process)
        .Select(static found => found.Name)
        .Where(static name => name != "pageshare-reserve") // kept by the process, not by an engine
        .Order()];

    private static IEnumerable<(string Name, long Pages)> Find(string namePrefix, int? process = null) =>
        HostPlatform.IsLinux ? Memfds.Find(namePrefix, process) : Sections.Find(namePrefix);
}

using System.Globalization;
using System.Text;
using Mono.Unix.Native;

namespace PageShare.TestKit.Proof;

/// <summary>
/// The engine's memory objects as the kernel shows them in /proc/self/fd: what they really take, whatever the engine
/// says.
/// </summary>
public static class MemoryObjects
{
    /// <summary>Name of a guest's backing, without the guest's name.</summary>
    public const string Backings = "pageshare-guest:";

    /// <summary>Name of a frame store, without its domain's name.</summary>
    public const string Stores = "pageshare-store:";

    private const string LinkPrefix = "/memfd:";
    private const int BlockBytes = 512;

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

    private static IEnumerable<(string Name, long Pages)> Find(string namePrefix, int? process = null)
    {
        var seen = new HashSet<ulong>(); // a store has two descriptors
        var link = new byte[512];
        foreach (var path in Directory.GetFiles($"/proc/{process?.ToString(CultureInfo.InvariantCulture) ?? "self"}/fd"))
        {
            // Descriptors come and go meanwhile, this enumeration's own for one.
            var length = Syscall.readlink(path, link);
            var target = Encoding.UTF8.GetString(link, 0, (int)Math.Max(0, length));
            if (!target.StartsWith(LinkPrefix + namePrefix, StringComparison.Ordinal)
                || Syscall.stat(path, out var status) != 0
                || !seen.Add(status.st_ino))
            {
                continue;
            }

            var name = target[LinkPrefix.Length..].Replace(" (deleted)", "", StringComparison.Ordinal);
            yield return (name, status.st_blocks * BlockBytes / PageContent.Bytes);
        }
    }
}

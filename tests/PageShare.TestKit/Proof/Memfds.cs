using System.Globalization;
using System.Text;
using Mono.Unix.Native;

namespace PageShare.TestKit.Proof;

/// <summary>Memory objects on Linux, as /proc/PID/fd names them and st_blocks counts them.</summary>
internal static class Memfds
{
    private const string LinkPrefix = "/memfd:";
    private const int BlockBytes = 512;

    /// <summary>Those whose names begin so, with the pages that they take.</summary>
    public static IEnumerable<(string Name, long Pages)> Find(string namePrefix, int? process)
    {
        var seen = new HashSet<ulong>(); // a store has two descriptors
        var link = new byte[512];
        var whose = process?.ToString(CultureInfo.InvariantCulture) ?? "self";
        foreach (var path in Directory.GetFiles($"/proc/{whose}/fd"))
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

using System.Globalization;
using System.Text;
using Mono.Unix.Native;
using PageShare.IsolationTests.Hosting;
using PageShare.TestKit.Proof;

namespace PageShare.IsolationTests.Isolated;

/// <summary>The frame stores of a host, by what the kernel knows them by, to see who still has them.</summary>
internal sealed class OldStores
{
    private readonly HashSet<ulong> _inodes = [];

    /// <summary>Notes those that a host has now.</summary>
    public OldStores(HostProcess host)
    {
        foreach (var (link, inode) in DescriptorsOf(host.ProcessId))
        {
            if (link.Contains(MemoryObjects.Stores, StringComparison.Ordinal))
            {
                _inodes.Add(inode);
            }
        }

        Assert.NotEmpty(_inodes);
    }

    /// <summary>Whether any of these processes maps one, or has it open.</summary>
    public bool AreHeldBy(IEnumerable<int> processes) => processes.Any(process =>
        DescriptorsOf(process).Any(descriptor => _inodes.Contains(descriptor.Inode)
            && descriptor.Link.Contains(MemoryObjects.Stores, StringComparison.Ordinal))
        || MappingsOf(process).Any(_inodes.Contains));

    private static IEnumerable<ulong> MappingsOf(int process) => File
        .ReadLines(string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/maps"))
        .Where(static line => line.Contains(MemoryObjects.Stores, StringComparison.Ordinal))
        .Select(static line => ulong.Parse(
            line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[4], CultureInfo.InvariantCulture));

    private static IEnumerable<(string Link, ulong Inode)> DescriptorsOf(int process)
    {
        var link = new byte[512];
        foreach (var path in Directory.GetFiles(string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/fd")))
        {
            var length = Syscall.readlink(path, link);
            if (length > 0 && Syscall.stat(path, out var status) == 0)
            {
                yield return (Encoding.UTF8.GetString(link, 0, (int)length), status.st_ino);
            }
        }
    }
}

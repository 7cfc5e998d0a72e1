using Mono.Unix.Native;
using PageShare.Platform;

namespace PageShare.Cli.Run;

/// <summary>
/// What the kernel says about the memory that the guests take, asked without the engine: its figure must agree with
/// ours.
/// </summary>
/// <param name="MemfdBytes">Allocated pages of guests' backings and frame stores (<c>st_blocks</c>), each object
/// once.</param>
/// <param name="CopyBytes">Anonymous copies of shared pages, as fault mode Kernel makes them (smaps); null if not
/// asked.</param>
/// <param name="MachineSharedBytes">All shared memory of the machine, other processes' too (<c>Shmem</c>).</param>
internal sealed record KernelFigure(long MemfdBytes, long? CopyBytes, long MachineSharedBytes)
{
    // The engine's objects are called "pageshare-KIND:NAME". Page tables and rings are metadata, counted elsewhere.
    private const string ObjectName = "/memfd:pageshare-";
    private const int BlockBytes = 512;

    private static readonly string[] ContentNames = [ObjectName + "guest:", ObjectName + "store:"];

    /// <summary>Bytes that guests take: memory objects, and copies if asked for.</summary>
    public long ResidentBytes => MemfdBytes + (CopyBytes ?? 0);

    /// <summary>Asks the kernel about guests of this process; null where it has no such files.</summary>
    /// <param name="withCopies">Looks for anonymous copies too, which reads every mapping: a tenth of a second or
    /// more.</param>
    public static KernelFigure? Read(bool withCopies) => Read(withCopies, ["self"]);

    /// <summary>Asks the kernel about host and guests in processes of their own; null where it doesn't say.</summary>
    /// <param name="withCopies">As above.</param>
    /// <param name="processes">The names of their folders in /proc.</param>
    public static KernelFigure? Read(bool withCopies, IReadOnlyList<string> processes)
    {
        if (!KernelProbe.IsLinux || !Directory.Exists("/proc/self/fd"))
        {
            return null;
        }

        try
        {
            long? copies = withCopies
                ? processes.Sum(process => SumCopies(File.ReadLines($"/proc/{process}/smaps")))
                : null;
            return new KernelFigure(SumMemfds(processes), copies, MachineShared());
        }
        catch (Exception ended) when (ended is IOException or UnauthorizedAccessException)
        {
            // A process that ends meanwhile, or one that we may not look into.
            return null;
        }
    }

    /// <summary>Adds up the anonymous bytes of the engine's mappings.</summary>
    internal static long SumCopies(IEnumerable<string> smaps)
    {
        long bytes = 0;
        bool ours = false;
        foreach (string line in smaps)
        {
            // A mapping begins with its addresses; its figures follow as "Name:  12 kB".
            if (line.Length > 0 && char.IsAsciiHexDigitLower(line[0]))
            {
                ours = line.Contains(ObjectName, StringComparison.Ordinal);
            }
            else if (ours && line.StartsWith("Anonymous:", StringComparison.Ordinal))
            {
                bytes += ProcText.Kibibytes(line);
            }
        }

        return bytes;
    }

    private static long SumMemfds(IReadOnlyList<string> processes)
    {
        long blocks = 0;
        var seen = new HashSet<(ulong Device, ulong Inode)>();
        foreach (string descriptor in processes.SelectMany(
            process => Directory.EnumerateFileSystemEntries($"/proc/{process}/fd")))
        {
            string? target = new FileInfo(descriptor).LinkTarget;
            if (target is not null
                && ContentNames.Any(name => target.StartsWith(name, StringComparison.Ordinal))
                && Syscall.stat(descriptor, out Stat status) == 0
                && seen.Add((status.st_dev, status.st_ino)))
            {
                blocks += status.st_blocks;
            }
        }

        return blocks * BlockBytes;
    }

    private static long MachineShared() =>
        ProcText.Find(File.ReadLines("/proc/meminfo"), "Shmem") is string line ? ProcText.Kibibytes(line) : 0;
}

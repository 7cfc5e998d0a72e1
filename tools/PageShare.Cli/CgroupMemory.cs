using System.Globalization;

namespace PageShare.Cli;

/// <summary>The memory limit that this process is under, of cgroup version 1 or 2.</summary>
/// <param name="Version">1 or 2.</param>
/// <param name="Path">The folder of the group that limits most, or of our own group if none does.</param>
/// <param name="LimitBytes">The lowest limit on the way to the root; null without one.</param>
/// <param name="UsedBytes">What that group uses now, without file cache that it can drop; null if the kernel doesn't
/// say.</param>
internal sealed record CgroupMemory(int Version, string Path, long? LimitBytes, long? UsedBytes)
{
    // Version 1 says "no limit" with the largest number of whole pages.
    private const long NoLimit = long.MaxValue / 2;

    /// <summary>Finds it; null where no memory controller is mounted.</summary>
    /// <param name="root">Below which <c>proc</c> and <c>sys</c> lie.</param>
    public static CgroupMemory? Read(string root)
    {
        string groups = System.IO.Path.Combine(root, "proc/self/cgroup");
        if (!File.Exists(groups))
        {
            return null;
        }

        string[] lines = File.ReadAllLines(groups);
        return ReadVersion1(root, lines) ?? ReadVersion2(root, lines);
    }

    private static CgroupMemory? ReadVersion1(string root, string[] lines)
    {
        foreach (string line in lines)
        {
            string[] parts = line.Split(':', 3);
            if (parts.Length == 3 && parts[1].Split(',').Contains("memory"))
            {
                string mount = System.IO.Path.Combine(root, "sys/fs/cgroup/memory");
                return Climb(1, mount, parts[2], "memory.limit_in_bytes", "memory.usage_in_bytes");
            }
        }

        return null;
    }

    private static CgroupMemory? ReadVersion2(string root, string[] lines)
    {
        string? own = lines.FirstOrDefault(line => line.StartsWith("0::", StringComparison.Ordinal));
        return own is null
            ? null
            : Climb(2, System.IO.Path.Combine(root, "sys/fs/cgroup"), own[3..], "memory.max", "memory.current");
    }

    /// <summary>A group is bound by the limits of all groups above it: takes the lowest.</summary>
    private static CgroupMemory? Climb(int version, string mount, string group, string limitFile, string usageFile)
    {
        if (!Directory.Exists(mount))
        {
            return null;
        }

        CgroupMemory? lowest = null;
        for (string? inner = group.Trim('/'); inner is not null; inner = System.IO.Path.GetDirectoryName(inner))
        {
            // In a container the path may be the host's, which is not mounted here: what is mounted is our own group.
            string folder = System.IO.Path.Combine(mount, inner);
            if (!File.Exists(System.IO.Path.Combine(folder, limitFile)))
            {
                continue;
            }

            long? limit = ReadNumber(System.IO.Path.Combine(folder, limitFile));
            limit = limit >= NoLimit ? null : limit;
            if (lowest is null || (limit is not null && !(limit >= lowest.LimitBytes)))
            {
                long? used = ReadNumber(System.IO.Path.Combine(folder, usageFile)) - ReadDroppable(folder);
                lowest = new CgroupMemory(version, folder, limit, used);
            }
        }

        return lowest;
    }

    private static long ReadDroppable(string folder)
    {
        string statistics = System.IO.Path.Combine(folder, "memory.stat");
        if (!File.Exists(statistics))
        {
            return 0;
        }

        // Version 1 gives the group's own figure first and the one with all groups below it as "total_"; in version 2
        // the plain one is the total.
        long droppable = 0;
        foreach (string line in File.ReadLines(statistics))
        {
            string[] words = line.Split(' ');
            if (words[0] is "inactive_file" or "total_inactive_file")
            {
                droppable = Math.Max(droppable, long.Parse(words[1], CultureInfo.InvariantCulture));
            }
        }

        return droppable;
    }

    private static long? ReadNumber(string file) =>
        File.Exists(file) && long.TryParse(
            File.ReadAllText(file), NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out long value)
            ? value
            : null;
}

namespace PageShare.Cli;

/// <summary>How much memory a new process may still take here.</summary>
internal static class AvailableMemory
{
    /// <summary>Bytes that can be had without swapping; null where the system doesn't say.</summary>
    public static long? Read() => Read("/");

    /// <summary>The same, with the kernel's files below another root.</summary>
    internal static long? Read(string root)
    {
        string meminfo = Path.Combine(root, "proc/meminfo");
        if (!File.Exists(meminfo) || ProcText.Find(File.ReadLines(meminfo), "MemAvailable") is not string line)
        {
            return null;
        }

        long machine = ProcText.Kibibytes(line);
        return CgroupMemory.Read(root) is { LimitBytes: long limit, UsedBytes: long used }
            ? Math.Min(machine, Math.Max(0, limit - used))
            : machine;
    }
}

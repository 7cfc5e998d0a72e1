using System.Globalization;

namespace PageShare.Workloads.Ksm;

/// <summary>The kernel thread that does KSM's work.</summary>
internal sealed class KsmDaemon
{
    // The kernel's ABI fixes the unit of these figures at 100 a second on all that .NET runs on.
    private const double JiffiesPerSecond = 100;
    private const int FieldUserTime = 11; // counted from the field behind the name
    private const double NanosecondsPerSecond = 1e9;

    private readonly string _folder;

    private KsmDaemon(string folder) => _folder = folder;

    /// <summary>Its CPU seconds since the machine's start, to the nanosecond where the kernel says it so.</summary>
    public double CpuSeconds
    {
        get
        {
            var exact = Path.Combine(_folder, "schedstat");
            return (File.Exists(exact) ? ParseSchedstat(File.ReadAllText(exact)) : null)
                ?? ParseStat(File.ReadAllText(Path.Combine(_folder, "stat")))
                ?? 0;
        }
    }

    /// <summary>Finds it; null where it isn't to be seen, as in a container.</summary>
    public static KsmDaemon? Find()
    {
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            try
            {
                var name = Path.Combine(folder, "comm");
                if (char.IsAsciiDigit(Path.GetFileName(folder)[0]) && File.ReadAllText(name).Trim() == "ksmd")
                {
                    return new KsmDaemon(folder);
                }
            }
            catch (IOException)
            {
                // A process that has ended since it was listed.
            }
        }

        return null;
    }

    /// <summary>"NANOSECONDS WAITED SLICES". Null where the kernel does not count: then all is 0.</summary>
    internal static double? ParseSchedstat(string text) =>
        long.TryParse(text.Split(' ')[0], NumberStyles.None, CultureInfo.InvariantCulture, out var nanoseconds)
        && nanoseconds > 0
            ? nanoseconds / NanosecondsPerSecond
            : null;

    /// <summary>utime and stime of proc_pid_stat(5); the name before them may contain anything but ends at the last
    /// parenthesis.</summary>
    internal static double? ParseStat(string text)
    {
        var fields = text[(text.LastIndexOf(')') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return fields.Length > FieldUserTime + 1
            && long.TryParse(fields[FieldUserTime], CultureInfo.InvariantCulture, out var user)
            && long.TryParse(fields[FieldUserTime + 1], CultureInfo.InvariantCulture, out var system)
                ? (user + system) / JiffiesPerSecond
                : null;
    }
}

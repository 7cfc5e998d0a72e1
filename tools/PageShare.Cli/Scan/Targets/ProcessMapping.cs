using System.Globalization;

namespace PageShare.Cli.Scan.Targets;

/// <summary>A line of <c>/proc/PID/maps</c> (Linux <c>proc_pid_maps(5)</c>).</summary>
/// <param name="Start">First address.</param>
/// <param name="End">First address behind it.</param>
/// <param name="FilePage">Offset in the mapped object, in pages.</param>
/// <param name="Device">Major and minor number as the kernel writes them, as one number.</param>
/// <param name="Inode">0 for anonymous memory.</param>
/// <param name="Name">Path, name in brackets, or empty.</param>
internal readonly record struct ProcessMapping(
    ulong Start, ulong End, long FilePage, ulong Device, ulong Inode, string Name)
{
    private const int DeviceShift = 32;

    // Objects of the kernel's own tmpfs, which no mount table lists.
    private static readonly string[] MemoryNames =
        ["/memfd:", "/SYSV", "/dev/zero", "/dev/shm/", "/anon_hugepage", "[anon_shmem:"];

    /// <summary>Pages of the range.</summary>
    public long Pages => (long)((End - Start) / Quantity.PageBytes);

    /// <summary>Whether it is a device, or memory that the kernel shows to each process.</summary>
    public bool IsForeign => Name.StartsWith("[v", StringComparison.Ordinal)
        || (Name.StartsWith("/dev/", StringComparison.Ordinal) && !IsNamedMemory)
        || Start > long.MaxValue;

    private bool IsNamedMemory
    {
        get
        {
            string name = Name;
            return Array.Exists(MemoryNames, prefix => name.StartsWith(prefix, StringComparison.Ordinal));
        }
    }

    /// <summary>Whether its file is memory and no disk: shared memory of some kind, or a file on a tmpfs.</summary>
    /// <param name="memoryDevices">Devices of the tmpfs that the process has mounted.</param>
    public bool IsMemoryObject(IReadOnlySet<ulong> memoryDevices) =>
        IsNamedMemory || (Inode != 0 && memoryDevices.Contains(Device));

    /// <summary>Reads a line; null if it is none.</summary>
    public static ProcessMapping? Parse(string line)
    {
        // 7f5c2a000000-7f5c2a021000 rw-p 00000000 00:01 1024    /memfd:name (deleted)
        string[] fields = line.Split(' ', 6, StringSplitOptions.RemoveEmptyEntries);
        if (fields.Length < 5 || fields[0].Split('-') is not [string start, string end]
            || !Hex(start, out ulong first) || !Hex(end, out ulong behind) || behind <= first
            || !Hex(fields[2], out ulong offset) || !TryDevice(fields[3], 16, out ulong device)
            || !ulong.TryParse(fields[4], NumberStyles.None, CultureInfo.InvariantCulture, out ulong inode))
        {
            return null;
        }

        string name = fields.Length > 5 ? fields[5].TrimStart() : "";
        return new ProcessMapping(first, behind, (long)(offset / Quantity.PageBytes), device, inode, name);
    }

    /// <summary>The devices of all tmpfs in the lines of <c>/proc/PID/mountinfo</c>.</summary>
    public static IReadOnlySet<ulong> MemoryDevices(IEnumerable<string> mounts)
    {
        var devices = new HashSet<ulong>();
        foreach (string mount in mounts)
        {
            // 25 30 0:23 / /dev/shm rw,nosuid - tmpfs tmpfs rw
            string[] fields = mount.Split(' ');
            if (mount.Contains(" - tmpfs ", StringComparison.Ordinal) && fields.Length > 2
                && TryDevice(fields[2], 10, out ulong device))
            {
                devices.Add(device);
            }
        }

        return devices;
    }

    private static bool TryDevice(string text, int numberBase, out ulong device)
    {
        device = 0;
        NumberStyles style = numberBase == 16 ? NumberStyles.AllowHexSpecifier : NumberStyles.None;
        if (text.Split(':') is not [string first, string second]
            || !uint.TryParse(first, style, CultureInfo.InvariantCulture, out uint major)
            || !uint.TryParse(second, style, CultureInfo.InvariantCulture, out uint minor))
        {
            return false;
        }

        device = ((ulong)major << DeviceShift) | minor;
        return true;
    }

    private static bool Hex(string text, out ulong value) =>
        ulong.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
}

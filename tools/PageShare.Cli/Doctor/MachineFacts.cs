using System.Globalization;
using System.Runtime.InteropServices;

namespace PageShare.Cli.Doctor;

/// <summary>What the machine says about itself: the kernel's files as numbers and words, with nothing concluded
/// yet.</summary>
/// <remarks>Null where the kernel does not say. Tests build it by hand, or from a folder that looks like a
/// root.</remarks>
internal sealed record MachineFacts
{
    /// <summary>The kernel's version.</summary>
    public string? KernelRelease { get; init; }

    /// <summary>x64, arm64, ….</summary>
    public string Architecture { get; init; } = "";

    /// <summary>Whether this process has all privileges.</summary>
    public bool IsPrivileged { get; init; }

    /// <summary><c>vm.max_map_count</c>.</summary>
    public long? MappingLimit { get; init; }

    /// <summary>Mappings of this process now.</summary>
    public long? MappingsUsed { get; init; }

    /// <summary>Soft limit of open descriptors.</summary>
    public long? DescriptorLimit { get; init; }

    /// <summary><c>vm.unprivileged_userfaultfd</c>.</summary>
    public long? UnprivilegedUserfaultfd { get; init; }

    /// <summary><c>kernel.perf_event_paranoid</c>.</summary>
    public long? PerfEventParanoid { get; init; }

    /// <summary>KSM's <c>run</c>: 0 stopped, 1 running, 2 unmerging.</summary>
    public long? KsmRun { get; init; }

    /// <summary><c>vm.overcommit_memory</c>.</summary>
    public long? OvercommitMode { get; init; }

    /// <summary><c>kernel.randomize_va_space</c>.</summary>
    public long? AddressRandomization { get; init; }

    /// <summary>The chosen word of <c>shmem_enabled</c>.</summary>
    public string? HugeSharedPages { get; init; }

    /// <summary>Memory of the machine in bytes.</summary>
    public long? MemoryBytes { get; init; }

    /// <summary>Bytes that a new process can have, the cgroup's limit considered.</summary>
    public long? AvailableBytes { get; init; }

    /// <summary>The memory limit that we are under.</summary>
    public CgroupMemory? Cgroup { get; init; }

    /// <summary>Size of the file system at /dev/shm.</summary>
    public long? SharedFolderBytes { get; init; }

    /// <summary>Path of a C compiler.</summary>
    public string? Compiler { get; init; }

    /// <summary>Reads them.</summary>
    /// <param name="root">Below which <c>proc</c>, <c>sys</c> and <c>dev</c> lie.</param>
    /// <param name="searchPath">Folders with programs, as in PATH.</param>
    public static MachineFacts Gather(string root = "/", string? searchPath = null)
    {
        string? meminfo = Existing(root, "proc/meminfo");
        return new MachineFacts
        {
            KernelRelease = Text(root, "proc/sys/kernel/osrelease"),
            Architecture = RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant(),
            IsPrivileged = Environment.IsPrivilegedProcess,
            MappingLimit = Number(root, "proc/sys/vm/max_map_count"),
            MappingsUsed = Existing(root, "proc/self/maps") is string maps ? File.ReadLines(maps).Count() : null,
            DescriptorLimit = DescriptorLimitOf(root),
            UnprivilegedUserfaultfd = Number(root, "proc/sys/vm/unprivileged_userfaultfd"),
            PerfEventParanoid = Number(root, "proc/sys/kernel/perf_event_paranoid"),
            KsmRun = Number(root, "sys/kernel/mm/ksm/run"),
            OvercommitMode = Number(root, "proc/sys/vm/overcommit_memory"),
            AddressRandomization = Number(root, "proc/sys/kernel/randomize_va_space"),
            HugeSharedPages = Chosen(Text(root, "sys/kernel/mm/transparent_hugepage/shmem_enabled")),
            MemoryBytes = meminfo is not null && ProcText.Find(File.ReadLines(meminfo), "MemTotal") is string total
                ? ProcText.Kibibytes(total)
                : null,
            AvailableBytes = AvailableMemory.Read(root),
            Cgroup = CgroupMemory.Read(root),
            SharedFolderBytes = FileSystemSize(Path.Combine(root, "dev/shm")),
            Compiler = FindProgram(searchPath ?? Environment.GetEnvironmentVariable("PATH") ?? "", "cc", "gcc", "clang"),
        };
    }

    /// <summary>"always [advise] never" → "advise".</summary>
    private static string? Chosen(string? words)
    {
        int open = words?.IndexOf('[', StringComparison.Ordinal) ?? -1;
        int close = words?.IndexOf(']', StringComparison.Ordinal) ?? -1;
        return open >= 0 && close > open ? words![(open + 1)..close] : words;
    }

    private static long? DescriptorLimitOf(string root)
    {
        // "Max open files            1024                 1048576              files"
        const string Name = "Max open files";
        string? line = Existing(root, "proc/self/limits") is string limits
            ? File.ReadLines(limits).FirstOrDefault(line => line.StartsWith(Name, StringComparison.Ordinal))
            : null;
        string? soft = line?[Name.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault();
        return Parse(soft);
    }

    private static string? FindProgram(string searchPath, params string[] names) => names
        .SelectMany(name => searchPath
            .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Select(folder => Path.Combine(folder, name)))
        .FirstOrDefault(File.Exists);

    private static long? FileSystemSize(string folder)
    {
        try
        {
            return Directory.Exists(folder) ? new DriveInfo(folder).TotalSize : null;
        }
        catch (Exception unknown) when (unknown is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }
    }

    private static string? Existing(string root, string path)
    {
        string full = Path.Combine(root, path);
        return File.Exists(full) ? full : null;
    }

    private static string? Text(string root, string path)
    {
        try
        {
            return Existing(root, path) is string file ? File.ReadAllText(file).Trim() : null;
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static long? Number(string root, string path) => Parse(Text(root, path));

    private static long? Parse(string? text) =>
        long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value) ? value : null;
}

namespace PageShare.Cli.Doctor;

/// <summary>How much memory guests may have, and of what kind.</summary>
internal static class MemoryChecks
{
    private const long LittleMemory = 1L << 30;

    /// <summary>Memory that is free now.</summary>
    public static Finding Available(MachineFacts facts)
    {
        const string Name = "memory";
        if (facts.AvailableBytes is not long available)
        {
            return new Finding(Name, FindingState.Note, "not known", "This system does not say how much memory is free.");
        }

        string found = facts.MemoryBytes is long total
            ? $"{Quantity.Bytes(available)} of {Quantity.Bytes(total)} available"
            : $"{Quantity.Bytes(available)} available";
        return available < LittleMemory
            ? new Finding(
                Name,
                FindingState.Limited,
                found,
                "A page is written before it can be shared, so guests must fit first. 'pageshare run' with its defaults takes "
                    + "about 0.6 GiB: use fewer --guests.")
            : new Finding(Name, FindingState.Good, found, "A page is written before it can be shared: guests must fit here.");
    }

    /// <summary>The cgroup's limit.</summary>
    public static Finding CgroupLimit(MachineFacts facts)
    {
        const string Name = "cgroup memory limit";
        return facts.Cgroup switch
        {
            null => new Finding(Name, FindingState.Good, "no memory cgroup", "Only the machine's memory bounds the guests."),
            { LimitBytes: long limit } group => new Finding(
                Name,
                FindingState.Note,
                $"{Quantity.Bytes(limit)}, {(group.UsedBytes is long used ? Quantity.Bytes(used) : "?")} used (version {group.Version})",
                "Guests' memory counts here, each shared page once. A break that finds the limit reached waits for memory and "
                    + "then fails: leave room for what guests may write.",
                group.Version == 2
                    ? $"echo max > {Path.Combine(group.Path, "memory.max")}"
                    : $"echo -1 > {Path.Combine(group.Path, "memory.limit_in_bytes")}"),
            { Version: int version } => new Finding(
                Name, FindingState.Good, $"none (version {version})", "Only the machine's memory bounds the guests."),
        };
    }

    /// <summary>The limit on memory objects.</summary>
    public static Finding MemoryObjects(MachineFacts facts) => new(
        "memory objects",
        FindingState.Good,
        facts.SharedFolderBytes is long size ? $"/dev/shm has {Quantity.Bytes(size)}" : "no /dev/shm",
        "Guests live in memfds, which the size of /dev/shm does not bound: memory and the cgroup's limit do.");

    /// <summary>The kernel's policy on promises of memory.</summary>
    public static Finding Overcommit(MachineFacts facts) => facts.OvercommitMode switch
    {
        2 => new Finding(
            "vm.overcommit_memory",
            FindingState.Limited,
            "2, strict",
            "The kernel counts what guests might write, not what they take: large guests may be refused though there is memory.",
            "sysctl -w vm.overcommit_memory=0"),
        null => new Finding("vm.overcommit_memory", FindingState.Note, "not known", "Strict accounting would bound guests."),
        long mode => new Finding(
            "vm.overcommit_memory",
            FindingState.Good,
            mode == 1 ? "1, always" : $"{mode}, heuristic",
            "Guests may be promised more memory than there is, which is what sharing is for."),
    };

    /// <summary>Whether memory objects get huge pages.</summary>
    public static Finding HugePages(MachineFacts facts) => facts.HugeSharedPages switch
    {
        "always" or "force" or "within_size" => new Finding(
            "huge pages for shared memory",
            FindingState.Limited,
            facts.HugeSharedPages,
            "Memory objects get pages of 2 MiB, which the kernel must split before a part of them can be given back.",
            "echo never > /sys/kernel/mm/transparent_hugepage/shmem_enabled"),
        null => new Finding(
            "huge pages for shared memory", FindingState.Good, "not in this kernel", "Each page can be shared by itself."),
        string word => new Finding(
            "huge pages for shared memory", FindingState.Good, word, "Each page can be shared by itself."),
    };

    /// <summary>A C compiler, for those who build PageShare.</summary>
    public static Finding Compiler(MachineFacts facts) => facts.Compiler is string path
        ? new Finding("C compiler", FindingState.Good, path, "PageShare can be built from source here.")
        : new Finding(
            "C compiler",
            FindingState.Note,
            "none in PATH",
            "Only building PageShare from source needs one; running it does not.",
            "apt-get install gcc libc6-dev");
}

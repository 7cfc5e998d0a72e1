using PageShare.Cli;
using PageShare.Cli.Doctor;
using PageShare.Cli.Run;
using PageShare.TestKit;

namespace PageShare.UnitTests.Cli;

/// <summary>What the command line reads from the kernel's files, on folders that look like such a machine.</summary>
public sealed class MachineFilesTests : IDisposable
{
    private const long Mebibyte = 1 << 20;

    private readonly TemporaryFolder _root = new();

    public void Dispose() => _root.Dispose();

    [Fact]
    public void CgroupVersion2GivesTheLowestLimitOnTheWayUp()
    {
        _root.Write("proc/self/cgroup", "0::/outer/inner\n");
        _root.Write("sys/fs/cgroup/outer/memory.max", "104857600\n");
        _root.Write("sys/fs/cgroup/outer/memory.current", "52428800\n");
        _root.Write("sys/fs/cgroup/outer/memory.stat", "anon 1\ninactive_file 1048576\n");
        _root.Write("sys/fs/cgroup/outer/inner/memory.max", "max\n");
        _root.Write("sys/fs/cgroup/outer/inner/memory.current", "1\n");

        CgroupMemory? cgroup = CgroupMemory.Read(_root.Path);

        Assert.Equal(2, cgroup?.Version);
        Assert.Equal(100 * Mebibyte, cgroup?.LimitBytes);
        Assert.Equal(49 * Mebibyte, cgroup?.UsedBytes);
        Assert.EndsWith("outer", cgroup?.Path, StringComparison.Ordinal);
    }

    [Fact]
    public void CgroupVersion1SaysNoLimitWithAHugeNumber()
    {
        _root.Write("proc/self/cgroup", "4:memory:/group\n0::/\n");
        _root.Write("sys/fs/cgroup/memory/group/memory.limit_in_bytes", "9223372036854771712\n");
        _root.Write("sys/fs/cgroup/memory/group/memory.usage_in_bytes", "4096\n");

        CgroupMemory? cgroup = CgroupMemory.Read(_root.Path);

        Assert.Equal(1, cgroup?.Version);
        Assert.Null(cgroup?.LimitBytes);
    }

    [Fact]
    public void ContainerWhosePathIsTheHostsIsFoundAtTheMount()
    {
        _root.Write("proc/self/cgroup", "0::/of/the/host\n");
        _root.Write("sys/fs/cgroup/memory.max", "1048576\n");

        Assert.Equal(Mebibyte, CgroupMemory.Read(_root.Path)?.LimitBytes);
    }

    [Fact]
    public void MachineWithoutCgroupsHasNone() => Assert.Null(CgroupMemory.Read(_root.Path));

    [Fact]
    public void AvailableMemoryIsTheSmallerOfMachineAndCgroup()
    {
        _root.Write("proc/meminfo", "MemTotal:       8192 kB\nMemFree:  1 kB\nMemAvailable:   4096 kB\n");
        Assert.Equal(4 * Mebibyte, AvailableMemory.Read(_root.Path));

        _root.Write("proc/self/cgroup", "0::/\n");
        _root.Write("sys/fs/cgroup/memory.max", "2097152\n");
        _root.Write("sys/fs/cgroup/memory.current", "1048576\n");
        Assert.Equal(Mebibyte, AvailableMemory.Read(_root.Path));
    }

    [Fact]
    public void FactsAreReadFromTheirFiles()
    {
        _root.Write("proc/sys/kernel/osrelease", "6.18.1-test\n");
        _root.Write("proc/sys/vm/max_map_count", "65530\n");
        _root.Write("proc/self/maps", "1\n2\n3\n");
        _root.Write("proc/self/limits", "Limit                     Soft Limit           Hard Limit           Units\n"
            + "Max open files            1024                 1048576              files\n");
        _root.Write("proc/sys/vm/unprivileged_userfaultfd", "0\n");
        _root.Write("proc/sys/kernel/perf_event_paranoid", "-1\n");
        _root.Write("sys/kernel/mm/ksm/run", "1\n");
        _root.Write("sys/kernel/mm/transparent_hugepage/shmem_enabled", "always within_size [advise] never deny force\n");
        string compiler = _root.Write("bin/gcc", "");

        MachineFacts facts = MachineFacts.Gather(_root.Path, $"/nowhere:{_root.Path}/bin");

        Assert.Equal("6.18.1-test", facts.KernelRelease);
        Assert.Equal(65530, facts.MappingLimit);
        Assert.Equal(3, facts.MappingsUsed);
        Assert.Equal(1024, facts.DescriptorLimit);
        Assert.Equal(0, facts.UnprivilegedUserfaultfd);
        Assert.Equal(-1, facts.PerfEventParanoid);
        Assert.Equal(1, facts.KsmRun);
        Assert.Equal("advise", facts.HugeSharedPages);
        Assert.Equal(compiler, facts.Compiler);
    }

    [Fact]
    public void MachineThatSaysNothingLeavesFactsOpen()
    {
        MachineFacts facts = MachineFacts.Gather(_root.Path, "");

        Assert.Null(facts.KernelRelease);
        Assert.Null(facts.MappingLimit);
        Assert.Null(facts.DescriptorLimit);
        Assert.Null(facts.KsmRun);
        Assert.Null(facts.AvailableBytes);
        Assert.Null(facts.Compiler);
    }

    [Fact]
    public void CopiesAreAddedUpOverTheEnginesMappingsAlone()
    {
        string[] smaps =
        [
            "7f0000000000-7f0000002000 rw-p 00000000 00:01 1   /memfd:pageshare-store:default (deleted)",
            "Rss:                   8 kB",
            "Anonymous:             8 kB",
            "VmFlags: rd wr",
            "7f0000002000-7f0000004000 rw-p 00000000 00:00 0",
            "Anonymous:          1024 kB",
            "7f0000004000-7f0000006000 rw-p 00002000 00:01 1   /memfd:pageshare-store:default (deleted)",
            "Anonymous:             4 kB",
        ];

        Assert.Equal(12 * 1024, KernelFigure.SumCopies(smaps));
    }
}

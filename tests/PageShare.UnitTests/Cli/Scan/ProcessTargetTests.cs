using PageShare.Cli.Scan;
using PageShare.Cli.Scan.Report;
using PageShare.Cli.Scan.Targets;
using PageShare.TestKit;

namespace PageShare.UnitTests.Cli.Scan;

public sealed class ProcessTargetTests : IDisposable
{
    private const ulong Present = FakeProcess.Present;
    private const ulong OfFile = FakeProcess.OfFile;
    private const string Anonymous = "00000000 00:00 0";
    private const string Shared = "00002000 00:01 77    /memfd:shared (deleted)";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void OnlyPagesThatArePresentAreRead()
    {
        new FakeProcess()
            .Map(16, Anonymous, (Present | 5, 1), (0, 2), (FakeProcess.Swapped, 3), (Present | 6, 1))
            .Write(_folder, 1);

        ScanReport report = Scan(1);

        Assert.Equal(2, report.Total.Pages);
        Assert.Equal(1, report.Total.SavedPages);
        Assert.Contains("1 pages are in swap", Assert.Single(report.Targets[0].Notes), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("00000000 08:01 99    /usr/lib/libc.so", 1)] // of a mapped file: what was written, and is anonymous
    [InlineData("00000000 00:17 99    /run/file", 2)] // a file on a tmpfs is memory
    [InlineData("00000000 00:01 99    /SYSV00000000 (deleted)", 2)]
    [InlineData("00000000 00:01 99    /dev/zero (deleted)", 2)]
    [InlineData("00000000 00:01 99    /dev/shm/file", 2)]
    [InlineData("00000000 00:05 99    /dev/dri/card0", 0)]
    [InlineData("00000000 00:00 0     [vvar]", 0)]
    [InlineData("00000000 00:00 0     [heap]", 1)]
    public void KindOfMappingSaysWhatCounts(string file, long expected)
    {
        new FakeProcess().Map(16, file, (Present | 5, 1), (Present | OfFile | 6, 2)).Write(_folder, 1);

        Assert.Equal(expected, Scan(1).Total.Pages);
    }

    [Fact]
    public void FramesThatProcessesShareCountOnce()
    {
        new FakeProcess().Map(16, Anonymous, (Present | 5, 1), (Present | 6, 2)).Write(_folder, 1);
        new FakeProcess().Map(32, Anonymous, (Present | 6, 2), (Present | 7, 3)).Write(_folder, 2);

        ScanReport report = Scan(1, 2);

        Assert.Equal([2L, 1], report.Targets.Select(target => target.Pages));
        Assert.Equal([0L, 1], report.Targets.Select(target => target.AlreadySharedPages));
        Assert.Equal(0, report.Total.SavedPages);
        Assert.All(report.Targets, target => Assert.Empty(target.Notes));
    }

    [Fact]
    public void WithoutPrivilegeSharedMemoryIsToldByItsPlace()
    {
        // The second maps the object one page further on, so that its first page is the other's second.
        new FakeProcess().Map(16, Shared, (Present | OfFile, 1), (Present | OfFile, 2)).Write(_folder, 1);
        string further = Shared.Replace("2000", "3000", StringComparison.Ordinal);
        new FakeProcess()
            .Map(32, further, (Present | OfFile, 2), (Present | OfFile, 3))
            .Map(40, Anonymous, (Present, 1))
            .Write(_folder, 2);

        ScanReport report = Scan(1, 2);

        Assert.Equal([2L, 2], report.Targets.Select(target => target.Pages));
        Assert.Equal(1, report.Total.AlreadySharedPages);
        Assert.Equal(1, report.Total.SavedPages);
        Assert.All(report.Targets, target =>
            Assert.Contains("CAP_SYS_ADMIN", Assert.Single(target.Notes), StringComparison.Ordinal));
    }

    [Fact]
    public void MappingsAndHolesAreThoseOfTheProcess()
    {
        new FakeProcess()
            .Map(16, Anonymous, (Present | 1, 7), (0, 0), (Present | 2, 7), (0, 0))
            .Map(20, Anonymous, (Present | 3, 8))
            .Write(_folder, 1);

        // Shared, hole, shared, hole; and the second mapping.
        Assert.Equal(5, Scan(1).Total.MappingsNeeded);
    }

    [Fact]
    public void ProcessThatEndsIsNamedAndTheOthersReported()
    {
        (ulong, int)[] pages = [.. Enumerable.Range(1, 200).Select(i => (Present + (uint)i, i))];
        new FakeProcess().Map(16, Anonymous, pages).Write(_folder, 1, readable: 16 + 150);
        new FakeProcess().Map(16, Anonymous, (Present | 900, 1000)).Write(_folder, 2);

        ScanReport report = Scan(1, 2);

        ProblemReport problem = Assert.Single(report.Problems);
        Assert.Equal("pid:1", problem.Target);
        Assert.Contains("ended while it was being read", problem.Message, StringComparison.Ordinal);
        Assert.False(report.Complete);
        Assert.Equal([false, true], report.Targets.Select(target => target.Complete));
        Assert.Equal(1, report.Targets[1].Pages);
        Assert.InRange(report.Targets[0].Pages, 1, 150);
    }

    [Fact]
    public void ProcessThatIsNotThereIsNamed()
    {
        ProblemReport problem = Assert.Single(Scan(12345).Problems);

        Assert.Equal("pid:12345", problem.Target);
        Assert.Contains("no process has that number", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void KernelThreadHasNothingToCount()
    {
        new FakeProcess().Write(_folder, 2);

        Assert.Contains("kernel thread", Assert.Single(Scan(2).Problems).Message, StringComparison.Ordinal);
    }

    private ScanReport Scan(params int[] pids)
    {
        var seen = new SharedMemory();
        return ScanSession.Run(
            new ScanOptions { Targets = [], Threads = 2 },
            [.. pids.Select(pid => new ProcessTarget($"pid:{pid}", pid, seen, _folder.Path))],
            CancellationToken.None);
    }
}

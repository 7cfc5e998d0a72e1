using PageShare.Platform.Linux;

namespace PageShare.UnitTests.Scan;

public sealed class ProcMappingsTests : IDisposable
{
    private readonly FakeProc _proc = new();

    public void Dispose() => _proc.Dispose();

    [Fact]
    public void MappingsAreLines()
    {
        // More than one buffer's worth, and lines that lie across two buffers.
        var lines = Enumerable.Range(0, 5000)
            .Select(i => $"7f{i:x8}000-7f{i:x8}fff rw-p 00000000 00:00 {i}  /some/file {i}");
        _proc.Write("self/maps", string.Join('\n', lines) + "\n");

        Assert.Equal(5000, new ProcMappings(_proc.Root).CountOwn());
    }

    [Fact]
    public void LimitIsReadFromTheKernelsSetting()
    {
        _proc.Write("sys/vm/max_map_count", "1048576\n");

        Assert.Equal(1_048_576, new ProcMappings(_proc.Root).ReadLimit());
    }

    [Fact]
    public void LimitThatIsNoNumberIsAnErrorWithItsPath()
    {
        _proc.Write("sys/vm/max_map_count", "many\n");

        var error = Assert.Throws<IOException>(() => new ProcMappings(_proc.Root).ReadLimit());
        Assert.Contains("max_map_count: 'many'", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(65_530, 3, 32_762)]
    [InlineData(4, 3, 0)]
    public void DefaultBudgetIsHalfTheLimitLessWhatIsInUse(int limit, int used, int expected)
    {
        _proc.Write("sys/vm/max_map_count", $"{limit}\n");
        _proc.Write("self/maps", string.Concat(Enumerable.Repeat("0-1 rw-p\n", used)));

        Assert.Equal(expected, new ProcMappings(_proc.Root).DefaultBudget());
    }

    [Fact]
    public void MachineIsMemoryAndSwap()
    {
        _proc.Write("meminfo", "MemTotal:       8000 kB\nMemFree: 1 kB\nSwapCached: 7 kB\nSwapTotal:   2000 kB\n");
        var mappings = new ProcMappings(_proc.Root);

        Assert.Equal(8000 * 1024, mappings.ReadMemoryBytes());
        Assert.Equal(10_000 * 1024, mappings.ReadMemoryAndSwapBytes());
    }

    [Fact]
    public void KernelWithoutSwapHasMemoryAlone()
    {
        _proc.Write("meminfo", "MemTotal: 8000 kB\n");

        Assert.Equal(8000 * 1024, new ProcMappings(_proc.Root).ReadMemoryAndSwapBytes());
    }

    [Fact]
    public void MemoryInfoWithoutATotalIsAnError()
    {
        _proc.Write("meminfo", "SwapTotal: 8000 kB\n");

        Assert.Throws<IOException>(() => new ProcMappings(_proc.Root).ReadMemoryAndSwapBytes());
    }

    [Fact]
    public void ThisProcessHasMappingsBelowItsLimit()
    {
        Assert.SkipUnless(File.Exists("/proc/self/maps"), "This machine has no /proc/self/maps.");
        var mappings = new ProcMappings();

        Assert.InRange(mappings.CountOwn(), 10, mappings.ReadLimit());
    }
}

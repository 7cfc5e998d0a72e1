using BenchmarkDotNet.Attributes;
using PageShare.Benchmarks.Memory;

namespace PageShare.Benchmarks;

/// <summary>
/// Merging pages with frames that exist: seal, compare, remap, punch, commit. Lone runs of pages, since what a run
/// costs beside its pages is most of the price. Limit: comparing the same pages.
/// </summary>
public class MergeRuns
{
    private const int Pages = 1 << 13; // 32 MiB a side, and twice as many mappings as runs

    private FramedGuest _guest = null!;

    [Params(1, 8, 64, 512)]
    public int RunLength { get; set; }

    [GlobalSetup]
    public void SetUp() => _guest = new FramedGuest(FaultMode.Signal, Pages, RunLength);

    [GlobalCleanup]
    public void TearDown() => _guest.Dispose();

    [IterationSetup]
    public void BreakAll() => _guest.Break();

    [Benchmark(Baseline = true, OperationsPerInvoke = Pages)]
    public int Compare() => _guest.CompareAll();

    [Benchmark(OperationsPerInvoke = Pages)]
    public void Merge() => _guest.Merge();
}

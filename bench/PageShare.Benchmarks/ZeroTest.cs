using BenchmarkDotNet.Attributes;
using PageShare.Benchmarks.Memory;
using PageShare.Content;

namespace PageShare.Benchmarks;

/// <summary>
/// Telling pages of zeros from others. Limits: reading all of a page that is zero, and the first word of one that is
/// not.
/// </summary>
public class ZeroTest
{
    private const int Pages = 1 << 16; // 256 MiB

    private PageBuffer _pages = null!;

    [GlobalSetup(Targets = [nameof(Read), nameof(IsZeroOfZeros)])]
    public void SetUpZeros()
    {
        _pages = new PageBuffer(Pages);
        _pages.FillZero();
    }

    [GlobalSetup(Targets = [nameof(ReadFirstWord), nameof(IsZeroOfOthers)])]
    public void SetUpOthers()
    {
        _pages = new PageBuffer(Pages);
        _pages.FillUnique(seed: 1);
    }

    [GlobalCleanup]
    public void TearDown() => _pages.Dispose();

    [BenchmarkCategory("zeros"), Benchmark(Baseline = true, OperationsPerInvoke = Pages)]
    public unsafe ulong Read() => Floor.Read(_pages.Start, _pages.Bytes);

    [BenchmarkCategory("zeros"), Benchmark(OperationsPerInvoke = Pages)]
    public int IsZeroOfZeros() => CountZero();

    [BenchmarkCategory("others"), Benchmark(Baseline = true, OperationsPerInvoke = Pages)]
    public unsafe ulong ReadFirstWord() => Floor.ReadFirstWords(_pages.Start, Pages);

    [BenchmarkCategory("others"), Benchmark(OperationsPerInvoke = Pages)]
    public int IsZeroOfOthers() => CountZero();

    private int CountZero()
    {
        var count = 0;
        for (var i = 0; i < Pages; i++)
        {
            count += ZeroPage.IsZero(_pages[i]) ? 1 : 0;
        }

        return count;
    }
}

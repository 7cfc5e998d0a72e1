using BenchmarkDotNet.Attributes;
using PageShare.Benchmarks.Memory;
using PageShare.Memory;

namespace PageShare.Benchmarks;

/// <summary>Comparing pairs of equal pages that are not in the cache, as merging does. Limit: reading both.</summary>
public unsafe class Compare
{
    private const int Pages = 1 << 15; // 128 MiB a side

    private PageBuffer _left = null!;
    private PageBuffer _right = null!;

    [GlobalSetup]
    public void SetUp()
    {
        _left = new PageBuffer(Pages);
        _right = new PageBuffer(Pages);
        _left.FillUnique(seed: 1);
        _right.FillUnique(seed: 1);
    }

    [GlobalCleanup]
    public void TearDown()
    {
        _left.Dispose();
        _right.Dispose();
    }

    [Benchmark(Baseline = true, OperationsPerInvoke = Pages)]
    public ulong ReadBoth()
    {
        var all = 0UL;
        for (var i = 0; i < Pages; i++)
        {
            all += Floor.Read(_left.PageAt(i), PageSize.Bytes) ^ Floor.Read(_right.PageAt(i), PageSize.Bytes);
        }

        return all;
    }

    [Benchmark(OperationsPerInvoke = Pages)]
    public int Memcmp()
    {
        var different = 0;
        for (var i = 0; i < Pages; i++)
        {
            different += Floor.Compare(_left.PageAt(i), _right.PageAt(i), PageSize.Bytes) != 0 ? 1 : 0;
        }

        return different == 0 ? 0 : throw new InvalidOperationException("The buffers were to be equal.");
    }
}

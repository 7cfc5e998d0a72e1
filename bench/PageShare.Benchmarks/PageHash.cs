using BenchmarkDotNet.Attributes;
using PageShare.Benchmarks.Memory;
using PageShare.Content;

namespace PageShare.Benchmarks;

/// <summary>Hashing pages that are not in the cache. Limit: reading them.</summary>
public unsafe class PageHash
{
    private const int Pages = 1 << 16; // 256 MiB

#pragma warning disable CA1859 // The engine calls its hasher through the interface, so that is what is measured.
    private readonly IPageHasher _hasher = new XxHash3PageHasher(seed: 42);
#pragma warning restore CA1859
    private PageBuffer _pages = null!;

    [GlobalSetup]
    public void SetUp()
    {
        _pages = new PageBuffer(Pages);
        _pages.FillUnique(seed: 1);
    }

    [GlobalCleanup]
    public void TearDown() => _pages.Dispose();

    [Benchmark(Baseline = true, OperationsPerInvoke = Pages)]
    public ulong Read() => Floor.Read(_pages.Start, _pages.Bytes);

    [Benchmark(OperationsPerInvoke = Pages)]
    public uint XxHash3()
    {
        var all = 0u;
        for (var i = 0; i < Pages; i++)
        {
            all ^= _hasher.Hash(_pages[i]);
        }

        return all;
    }
}

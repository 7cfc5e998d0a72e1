using BenchmarkDotNet.Attributes;
using PageShare.Benchmarks.Memory;
using PageShare.Content;

namespace PageShare.Benchmarks;

/// <summary>
/// Finding hashes in an index of four million entries (16 GiB of unique pages). Limits: loading random cache lines of a
/// table of the same size, one after the other, or many at a time.
/// </summary>
/// <remarks>An entry that is found costs a second line, that of the record which tells its hash.</remarks>
public unsafe class IndexLookup
{
    private const int Entries = 1 << 22;
    private const int Lookups = 1 << 19;
    private const int Ahead = 16;

    private readonly uint[] _present = new uint[Lookups + 1];
    private readonly uint[] _absent = new uint[Lookups + 1];
    private HashTable _hashes = null!;
    private ContentIndex _index = null!;
    private LineTable _lines = null!;

    [GlobalSetup]
    public void SetUp()
    {
        _hashes = new HashTable(Entries);
        _index = new ContentIndex(_hashes);
        for (var id = 0u; id < Entries; id++)
        {
            _index.Insert(_hashes[id], ContentRef.Hint(id));
        }

        _lines = new LineTable(_index.Bytes, Lookups);
        var random = new SeededRandom(5);
        for (var i = 0; i <= Lookups; i++)
        {
            _present[i] = _hashes[random.Below(Entries)];
            _absent[i] = (uint)random.Next();
        }
    }

    [GlobalCleanup]
    public void TearDown()
    {
        _index.Dispose();
        _hashes.Dispose();
        _lines.Dispose();
    }

    [BenchmarkCategory("dependent"), Benchmark(Baseline = true, OperationsPerInvoke = Lookups)]
    public uint ChaseLines() => Floor.Chase(_lines.Start, Lookups);

    [BenchmarkCategory("dependent"), Benchmark(OperationsPerInvoke = Lookups)]
    public uint Dependent()
    {
        var last = 0u;
        for (var i = 0; i < Lookups; i++)
        {
            // Ids have 22 bits, so this adds nothing; but the processor has to wait for the last answer to know.
            _index.TryFind(_present[i + (last >> 31)], out var found);
            last = found.Id;
        }

        return last;
    }

    [BenchmarkCategory("prefetched"), Benchmark(Baseline = true, OperationsPerInvoke = Lookups)]
    public uint GatherLines() => Floor.Gather(_lines.Start, _lines.Places);

    [BenchmarkCategory("prefetched"), Benchmark(OperationsPerInvoke = Lookups)]
    public int Prefetched() => FindAll(_present);

    [BenchmarkCategory("prefetched"), Benchmark(OperationsPerInvoke = Lookups)]
    public int PrefetchedAbsent() => FindAll(_absent);

    private int FindAll(uint[] hashes)
    {
        var count = 0;
        for (var i = 0; i < Lookups; i++)
        {
            _index.Prefetch(hashes[Math.Min(i + Ahead, Lookups)]);
            count += _index.TryFind(hashes[i], out _) ? 1 : 0;
        }

        return count;
    }
}

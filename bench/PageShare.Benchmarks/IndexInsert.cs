using BenchmarkDotNet.Attributes;
using PageShare.Benchmarks.Memory;
using PageShare.Content;

namespace PageShare.Benchmarks;

/// <summary>
/// Entering hints in an index: into one that has four million, and from none to four million with all the growing on
/// the way, as a first pass does. Limit: stores to random cache lines of a table of the same size.
/// </summary>
public unsafe class IndexInsert
{
    private const int Entries = 1 << 22;
    private const int Inserts = 1 << 18;
    private const int Ahead = 16;

    private HashTable _hashes = null!;
    private ContentIndex _index = null!;
    private LineTable _lines = null!;

    [GlobalSetup]
    public void SetUp()
    {
        _hashes = new HashTable(Entries + Inserts);
        _index = new ContentIndex(_hashes);
        InsertAll(_index, 0, Entries);
        _lines = new LineTable(_index.Bytes, Inserts);
    }

    [GlobalCleanup]
    public void TearDown()
    {
        _index.Dispose();
        _hashes.Dispose();
        _lines.Dispose();
    }

    [IterationSetup(Targets = [nameof(OneByOne), nameof(Prefetched)])]
    public void RemoveNew()
    {
        for (var id = (uint)Entries; id < Entries + Inserts; id++)
        {
            _index.Remove(_hashes[id], ContentRef.Hint(id));
        }
    }

    [Benchmark(Baseline = true, OperationsPerInvoke = Inserts)]
    public void ScatterLines() => Floor.Scatter(_lines.Start, _lines.Places);

    [Benchmark(OperationsPerInvoke = Inserts)]
    public void OneByOne()
    {
        for (var id = (uint)Entries; id < Entries + Inserts; id++)
        {
            _index.Insert(_hashes[id], ContentRef.Hint(id));
        }
    }

    [Benchmark(OperationsPerInvoke = Inserts)]
    public void Prefetched() => InsertAll(_index, Entries, Inserts);

    [Benchmark(OperationsPerInvoke = Entries)]
    public long FromEmpty()
    {
        using var index = new ContentIndex(_hashes);
        InsertAll(index, 0, Entries);
        return index.Count;
    }

    private void InsertAll(ContentIndex index, uint first, int count)
    {
        var last = first + (uint)count - 1;
        for (var id = first; id <= last; id++)
        {
            index.Prefetch(_hashes[Math.Min(id + Ahead, last)]);
            index.Insert(_hashes[id], ContentRef.Hint(id));
        }
    }
}

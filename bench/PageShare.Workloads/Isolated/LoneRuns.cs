using PageShare.Bench.Memory;
using PageShare.Memory;

namespace PageShare.Workloads.Isolated;

/// <summary>A guest's memory as runs of pages that can share, with one that does not behind each.</summary>
/// <param name="pages">Pages that can share, about: whole runs.</param>
/// <param name="length">Pages of a run.</param>
internal sealed unsafe class LoneRuns(int pages, int length)
{
    private readonly int _runs = pages / length;

    // SAFETY of all: the caller's memory has Bytes bytes, and is not freed meanwhile.

    /// <summary>Pages of a run.</summary>
    public int Length => length;

    /// <summary>Pages that can share.</summary>
    public int Sharing => _runs * length;

    /// <summary>Bytes of the guest.</summary>
    public long Bytes => (long)_runs * (length + 1) * PageSize.Bytes;

    /// <summary>The first page of each run.</summary>
    public IEnumerable<long> Starts => Enumerable.Range(0, _runs).Select(run => (long)run * (length + 1));

    /// <summary>Gives every page a content of its own.</summary>
    public void Fill(byte* memory)
    {
        var filler = new PageFiller(seed: 1);
        for (var at = 0L; at < Bytes; at += PageSize.Bytes)
        {
            filler.Fill(memory + at, (ulong)at);
        }
    }

    /// <summary>Stores to each page what it holds.</summary>
    public void Touch(byte* memory)
    {
        for (var at = 0L; at < Bytes; at += PageSize.Bytes)
        {
            Volatile.Write(ref memory[at], Volatile.Read(ref memory[at]));
        }
    }

    /// <summary>Times a store to each page that can share, in random order. Guests read more than they write, so each
    /// was read before.</summary>
    public StoreTimes TimeStores(byte* memory, ulong seed)
    {
        var order = new SeededRandom(seed).Order(Sharing);
        var stores = new byte*[order.Length];
        var sum = 0;
        for (var i = 0; i < stores.Length; i++)
        {
            var page = ((long)order[i] / length * (length + 1)) + (order[i] % length);
            stores[i] = memory + (page * PageSize.Bytes);
            sum += *stores[i];
        }

        GC.KeepAlive(sum);
        return StoreTimes.Measure(stores);
    }

    /// <summary>Times as many first stores to anonymous memory.</summary>
    public StoreTimes TimeFirstTouches()
    {
        using var buffer = new PageBuffer(Sharing);
        var stores = new byte*[buffer.Pages];
        for (var i = 0; i < stores.Length; i++)
        {
            stores[i] = buffer.PageAt(i);
        }

        return StoreTimes.Measure(stores);
    }
}

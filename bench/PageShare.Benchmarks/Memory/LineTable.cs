using PageShare.Memory;

namespace PageShare.Benchmarks.Memory;

/// <summary>A table of cache lines, linked to one chain in random order: the index's limit, without an index.</summary>
internal sealed unsafe class LineTable : IDisposable
{
    private const int LineBytes = 64;

    private readonly NativeArray<byte> _bytes;

    /// <summary>Makes a table of about so many bytes, and a list of random places in it.</summary>
    public LineTable(long bytes, int places)
    {
        var lines = (int)(bytes / LineBytes);
        _bytes = NativeArray<byte>.Allocate((long)lines * LineBytes);
        var random = new SeededRandom(7);
        var order = random.Order(lines);
        for (var i = 0; i < lines; i++)
        {
            // SAFETY: order is a permutation of the table's lines, which are aligned.
            *(uint*)(Start + ((long)order[i] * LineBytes)) = (uint)order[(i + 1) % lines];
        }

        Places = new uint[places];
        for (var i = 0; i < places; i++)
        {
            Places[i] = (uint)random.Below(lines);
        }
    }

    /// <summary>First line.</summary>
    // SAFETY: native memory, which nothing moves.
    public byte* Start => (byte*)System.Runtime.CompilerServices.Unsafe.AsPointer(ref _bytes[0]);

    /// <summary>Random lines, known beforehand.</summary>
    public uint[] Places { get; }

    /// <inheritdoc/>
    public void Dispose() => _bytes.Dispose();
}

using PageShare.Content;
using PageShare.Memory;

namespace PageShare.Benchmarks.Memory;

/// <summary>Stands for the engine's records: the hash of each hint, found by its id.</summary>
internal sealed class HashTable : IContentSource, IDisposable
{
    private readonly NativeArray<uint> _hashes;

    /// <summary>Gives ids 0 to <paramref name="count"/> - 1 random hashes.</summary>
    public HashTable(int count)
    {
        _hashes = NativeArray<uint>.Allocate(count);
        var random = new SeededRandom(3);
        for (var id = 0; id < count; id++)
        {
            _hashes[id] = (uint)random.Next();
        }
    }

    /// <summary>The hash of an id.</summary>
    public uint this[long id] => _hashes[id];

    /// <inheritdoc/>
    public bool TryGetHash(ContentRef reference, out uint hash)
    {
        hash = _hashes[reference.Id];
        return true;
    }

    /// <inheritdoc/>
    public long CountContents() => _hashes.Length;

    /// <inheritdoc/>
    public void Dispose() => _hashes.Dispose();
}

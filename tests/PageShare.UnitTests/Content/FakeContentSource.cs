using PageShare.Content;

namespace PageShare.UnitTests.Content;

/// <summary>A content source made of a dictionary, which counts how often it is asked.</summary>
internal sealed class FakeContentSource : IContentSource
{
    public Dictionary<ContentRef, uint> Hashes { get; } = [];

    public long Questions { get; set; }

    public bool TryGetHash(ContentRef reference, out uint hash)
    {
        Questions++;
        return Hashes.TryGetValue(reference, out hash);
    }

    public long CountContents() => Hashes.Count;
}

/// <summary>
/// A content source for large tests: the hash of hint i is i scrambled, every hint below the limit lives.
/// </summary>
internal sealed class ScrambledContentSource : IContentSource
{
    public uint FirstLive { get; set; }

    public long Contents { get; set; }

    public long Questions { get; private set; }

    public static uint HashOf(uint id)
    {
        // The finalizer of MurmurHash3, a bijection: no two hints collide.
        id = (id ^ (id >> 16)) * 0x85EB_CA6B;
        id = (id ^ (id >> 13)) * 0xC2B2_AE35;
        return id ^ (id >> 16);
    }

    public bool TryGetHash(ContentRef reference, out uint hash)
    {
        Questions++;
        hash = HashOf(reference.Id);
        return reference.Id >= FirstLive;
    }

    public long CountContents() => Contents;
}

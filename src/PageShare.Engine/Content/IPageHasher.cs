namespace PageShare.Content;

/// <summary>Hashes pages; replaced in tests to force collisions.</summary>
internal interface IPageHasher
{
    /// <summary>
    /// The hash of a page's bytes. A page that is written meanwhile gives some hash or other, which the byte comparison
    /// under seal later finds out. Thread-safe.
    /// </summary>
    uint Hash(ReadOnlySpan<byte> page);
}

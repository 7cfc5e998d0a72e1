namespace PageShare.Content;

/// <summary>Tells the hash of what a reference names now, so that the index need not store hashes.</summary>
internal interface IContentSource
{
    /// <summary>
    /// The hash last computed of a frame or a hint. False when the reference is stale: the page is no longer a hint
    /// (shared, zero, broken and not hashed again, gone) or the frame is free.
    /// </summary>
    /// <remarks>Called under the engine's lock. Must not call back into the index.</remarks>
    bool TryGetHash(ContentRef reference, out uint hash);

    /// <summary>Upper bound of the references that may have a hash before long: frames, and pages with memory of their
    /// own. May cost a system call a guest.</summary>
    long CountContents();
}

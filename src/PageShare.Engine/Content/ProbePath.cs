namespace PageShare.Content;

/// <summary>The buckets of a <see cref="ContentIndex"/> that a search for one hash visits, in order.</summary>
/// <param name="home">Index of the first.</param>
/// <param name="step">From each to the next; at least 1, and less than there are buckets.</param>
/// <param name="buckets">How many there are.</param>
internal struct ProbePath(long home, long step, long buckets)
{
    /// <summary>Index of the bucket that the search has come to.</summary>
    public long Index { get; private set; } = home;

    /// <summary>Buckets before it.</summary>
    public int Probes { get; private set; }

    /// <summary>Whether the search may look at it.</summary>
    public readonly bool IsInside => Probes < ContentIndex.MaximumProbes;

    /// <summary>Goes on to the next.</summary>
    public void MoveNext()
    {
        Probes++;
        Index += step;
        Index = Index < buckets ? Index : Index - buckets;
    }
}

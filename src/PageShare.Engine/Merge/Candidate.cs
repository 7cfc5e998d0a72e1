using PageShare.Memory;

namespace PageShare.Merge;

/// <summary>What a page could become.</summary>
internal enum CandidateKind : byte
{
    /// <summary>Nothing: it stays as it is.</summary>
    None,

    /// <summary>A hole: it is all zero.</summary>
    Zero,

    /// <summary>A user of a frame that exists.</summary>
    Frame,

    /// <summary>The first of two pages that share a frame to be made; the other is named by its page id.</summary>
    Pair,

    /// <summary>The only user of a frame to be made, since it lies between pages that share: see
    /// <see cref="Bridges"/>.</summary>
    Bridge,
}

/// <summary>What the scanner proposes for one page.</summary>
/// <param name="Kind">What it could become.</param>
/// <param name="Id">Frame: the frame's number. Pair: the page id of the other page.</param>
/// <param name="Hash">Hash of the page, for Frame and Pair.</param>
/// <param name="IsReady">
/// Whether it may be done now. A page that has yet to prove stable, or whose other has, is proposed all the same, so
/// that the mapping budget knows what comes.
/// </param>
internal readonly record struct Candidate(CandidateKind Kind, uint Id, uint Hash, bool IsReady)
{
    /// <summary>The frame that the page could share.</summary>
    public FrameNumber Frame => new(Id);

    /// <summary>Whether a page with this proposal, right behind one with <paramref name="before"/>, goes on its
    /// run.</summary>
    public bool Continues(Candidate before) => Kind == before.Kind && IsReady == before.IsReady && Kind switch
    {
        // A run is what one mapping shows: frames that follow one another. New frames always do.
        CandidateKind.Frame => Id == before.Id + 1,
        CandidateKind.None => false,
        _ => true,
    };
}

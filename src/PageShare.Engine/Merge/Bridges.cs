using PageShare.Content;
using PageShare.Memory;

namespace PageShare.Merge;

/// <summary>
/// When mappings are short: pages without an equal get frames too, if they lie between pages that share.
/// </summary>
/// <remarks>
/// <para>The problem: what two guests have in common is cut to pieces by single pages that differ, and each piece takes a
/// mapping in both guests. In one of them it need not. Where new frames are laid out in that guest's order, the pages in
/// between can have frames in the same row, of which they are the only users: one mapping shows all of it, and the
/// other guests alone pay for the pieces. No memory is saved or lost by that, for what such a page has in the store it
/// had in its backing before.</para>
/// <para>The price is a break at the first store to a bridged page. So a page is bridged only when it has proved stable
/// and never broke of late, when the gap is no longer than <see cref="LongestGap"/>, and when there are not mappings
/// enough to do without. Contents that have a frame elsewhere are copied into the row likewise, where to share that frame
/// would take a mapping for less than it is worth.</para>
/// <para>A bridge is its guest's own content, and whoever is in a share domain can read all of its store. So there are none
/// where a guest of the domain has a process of its own, or had (<see cref="ShareDomain.MayBridge"/>).</para>
/// </remarks>
internal static class Bridges
{
    /// <summary>Longest gap that is bridged, in pages: some hundred microseconds of breaks, at worst, for two
    /// mappings.</summary>
    public const int LongestGap = 32;

    /// <summary>Finds the next pages that are to get frames in a row.</summary>
    /// <param name="candidates">Pairs that are worth a mapping, and pages that can be bridged. All others end a
    /// row.</param>
    /// <param name="from">Where to begin.</param>
    /// <param name="start">The first page, of a pair.</param>
    /// <param name="end">Behind the last, which is of a pair too.</param>
    /// <returns>False if there are no more pairs.</returns>
    public static bool TryFind(ReadOnlySpan<Candidate> candidates, int from, out int start, out int end)
    {
        for (start = from; start < candidates.Length && !IsPair(candidates[start]); start++)
        {
            // Bridges lead from one pair to another.
        }

        end = start;
        for (var i = start; i < candidates.Length && i <= end + LongestGap; i++)
        {
            if (IsPair(candidates[i]))
            {
                end = i + 1;
            }
            else if (candidates[i].Kind != CandidateKind.Bridge)
            {
                break;
            }
        }

        return end > start;
    }

    /// <summary>
    /// Has a page use a frame in a row, whether its content has another frame or not, and whether the other page of a
    /// pair is still there or not: that keeps the row whole. Others find it if they find no other.
    /// </summary>
    /// <returns>True.</returns>
    public static bool UseFrame(
        GuestRegion region, int index, FrameNumber frame, in Candidate candidate, MergePlan plan)
    {
        var domain = region.Domain;
        domain.Frames.Create(frame, candidate.Hash);
        plan.SetTarget(index, frame.Value, mayBeAlone: true);
        plan.AddFrame(frame);
        if (domain.Index.TryFind(candidate.Hash, out var found) && !found.IsFrame)
        {
            domain.Supersede(candidate.Hash, found, ContentRef.Of(frame));
        }

        if (candidate.Kind == CandidateKind.Pair
            && domain.TryResolve(candidate.Id, out var otherRegion, out var otherPage)
            && otherRegion.CanShare)
        {
            plan.AddPartner(otherRegion, otherPage, frame);
        }

        return true;
    }

    private static bool IsPair(in Candidate candidate) =>
        candidate is { Kind: CandidateKind.Pair, IsReady: true };
}

using System.Runtime.InteropServices;
using PageShare.Memory;
using PageShare.Platform;

namespace PageShare.Merge;

/// <summary>
/// What one stretch of pages is to become: a target a page, the frames that were made for it, and the pages elsewhere
/// that shall share these too. Reused from stretch to stretch.
/// </summary>
internal sealed class MergePlan
{
    private readonly List<Partner> _partners = [];
    private readonly List<FrameNumber> _newFrames = [];
    private readonly bool[] _mayBeAlone = new bool[Shim.OrderPages];

    /// <summary>Tells this plan from others.</summary>
    public long Number { get; private set; }

    /// <summary>One target a page, as the shim's merge order wants it.</summary>
    public uint[] Targets { get; } = new uint[Shim.OrderPages];

    /// <summary>Whether any page has a target.</summary>
    public bool HasTargets { get; private set; }

    /// <summary>Frames in creation.</summary>
    public IReadOnlyList<FrameNumber> NewFrames => _newFrames;

    /// <summary>Pages elsewhere that shall share new frames, by region and page.</summary>
    public ReadOnlySpan<Partner> SortedPartners()
    {
        var partners = CollectionsMarshal.AsSpan(_partners);
        partners.Sort(static (left, right) =>
            left.Region.FirstPageId != right.Region.FirstPageId
                ? left.Region.FirstPageId.CompareTo(right.Region.FirstPageId)
                : left.Page.CompareTo(right.Page));
        return partners;
    }

    /// <summary>Begins anew for a stretch of <paramref name="count"/> pages.</summary>
    public void Clear(int count)
    {
        Targets.AsSpan(0, count).Fill(Shim.TargetNone);
        Number++;
        HasTargets = false;
        _mayBeAlone.AsSpan(0, count).Clear();
        _partners.Clear();
        _newFrames.Clear();
    }

    /// <summary>Page <paramref name="index"/> of the stretch shall become this.</summary>
    /// <param name="index">Which page.</param>
    /// <param name="target">As the shim's merge order wants it.</param>
    /// <param name="mayBeAlone">Whether it is right for the page to be the only user of a new frame.</param>
    public void SetTarget(int index, uint target, bool mayBeAlone = false)
    {
        Targets[index] = target;
        _mayBeAlone[index] = mayBeAlone;
        HasTargets = true;
    }

    /// <summary>Whether it is right for a page to be the only user of a new frame: see <see cref="Bridges"/>,
    /// <see cref="FillRows"/>.</summary>
    public bool MayBeAlone(int index) => _mayBeAlone[index];

    /// <summary>A frame was made.</summary>
    public void AddFrame(FrameNumber frame) => _newFrames.Add(frame);

    /// <summary>The new frames' creation has ended.</summary>
    public void ForgetFrames() => _newFrames.Clear();

    /// <summary>A page elsewhere shall share a new frame.</summary>
    public void AddPartner(GuestRegion region, PageNumber page, FrameNumber frame) =>
        _partners.Add(new Partner(region, page, frame));

    /// <summary>A page and the new frame that it shall share.</summary>
    internal readonly record struct Partner(GuestRegion Region, PageNumber Page, FrameNumber Frame);
}

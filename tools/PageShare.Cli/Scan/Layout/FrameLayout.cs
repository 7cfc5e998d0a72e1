using PageShare.Cli.Scan.Count;
using PageShare.Memory;

namespace PageShare.Cli.Scan.Layout;

/// <summary>
/// Which contents of some targets would be shared among them, and where their frames would lie: in the order in which
/// they are first seen, as the engine lays them out.
/// </summary>
/// <remarks>Takes 4 bytes for each distinct content. Not thread-safe; laid out once.</remarks>
/// <param name="contents">Number of contents in the log.</param>
/// <param name="isOfAll">Whether the targets have all of these, and not perhaps a few.</param>
internal sealed class FrameLayout(long contents, bool isOfAll) : IDisposable
{
    private const int Alone = 1;

    // Of each content the pages that have it, in the targets looked at. Once the first of several was met: minus their
    // frame, from 1.
    private readonly NativeArray<int> _contents = NativeArray<int>.Allocate(contents, isDense: isOfAll);

    private readonly CommonContents _common = new();
    private int _frames;

    /// <summary>How many contents have how many pages.</summary>
    public Histogram ReferenceCounts { get; } = new();

    /// <summary>The contents with most pages, and how many these are; the commonest first.</summary>
    public IReadOnlyList<(long Content, long Pages)> Commonest => _common.Commonest;

    /// <summary>Contents with one page alone.</summary>
    public long UniqueContents { get; private set; }

    /// <summary>Lays out the frames of one target that shares inside itself alone.</summary>
    /// <param name="log">Its pages, sealed.</param>
    /// <param name="target">Its number.</param>
    /// <param name="need">Is told which frames its pages show; null if nobody asks.</param>
    public void LayOut(PageLog log, int target, MappingNeed? need)
    {
        CountPages(log.Read(target));
        AssignFrames(log.Read(target), need);
    }

    /// <summary>Lays out the frames of all targets that have pages, which share among themselves.</summary>
    /// <param name="log">Their pages, sealed.</param>
    /// <param name="contents">The contents in the log, which know already how many pages have them.</param>
    /// <param name="targets">Their numbers, in order.</param>
    /// <param name="need">Is told which frames their pages show; null if nobody asks.</param>
    public void LayOut(PageLog log, ContentTable contents, IEnumerable<int> targets, MappingNeed? need)
    {
        for (long content = 0; content < contents.Count; content++)
        {
            _contents[content] = (int)Math.Min(contents[content].References, int.MaxValue);
        }

        foreach (int target in targets)
        {
            AssignFrames(log.Read(target), need);
        }
    }

    /// <summary>Whether a content is one page of these targets alone.</summary>
    public bool IsUnique(long content) => _contents[content] == Alone;

    /// <inheritdoc/>
    public void Dispose() => _contents.Dispose();

    private void CountPages(IEnumerable<Stretch> stretches)
    {
        foreach (Stretch stretch in stretches)
        {
            for (long i = 0; i < stretch.Length && stretch.HasContents; i++)
            {
                ref int pages = ref _contents[stretch.ContentAt(i)];
                pages += pages == int.MaxValue ? 0 : 1;
            }
        }
    }

    private void AssignFrames(IEnumerable<Stretch> stretches, MappingNeed? need)
    {
        need?.BeginTarget();
        foreach (Stretch stretch in stretches)
        {
            if (stretch.Kind == StretchKind.Region)
            {
                need?.AddRegion();
            }
            else if (!stretch.HasContents)
            {
                need?.AddHoles(stretch.Length);
            }

            for (long i = 0; i < stretch.Length && stretch.HasContents; i++)
            {
                int frame = FrameOf(stretch.ContentAt(i));
                need?.AddContent(frame);
            }
        }

        need?.EndTarget();
    }

    /// <summary>The frame of a content that was met; 0 if it is one page alone.</summary>
    private int FrameOf(long content)
    {
        ref int value = ref _contents[content];
        if (value < 0)
        {
            return -value;
        }

        int pages = value;
        ReferenceCounts.Add(pages);
        if (pages == Alone)
        {
            UniqueContents++;
            return 0;
        }

        _common.Offer(content, pages);
        value = -++_frames;
        return _frames;
    }
}

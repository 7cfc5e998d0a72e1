using PageShare.Cli.Scan.Count;
using PageShare.Memory;

namespace PageShare.Cli.Scan.Layout;

/// <summary>
/// Which contents of some targets would be shared among them, and where their frames would lie: in the order in which
/// they are first seen, as the engine lays them out.
/// </summary>
/// <remarks>Takes 8 bytes for each distinct content. Not thread-safe.</remarks>
internal sealed class FrameLayout : IDisposable
{
    private const uint Alone = uint.MaxValue;
    private const int MostCommon = 10;

    private readonly PageLog _log;

    // Pages with each content, in the targets looked at. Later: how many of them a budget has shared.
    private readonly NativeArray<uint> _references;

    // Frame of each content, from 1; 0 where it was not met yet.
    private readonly NativeArray<uint> _frames;

    private readonly int[] _targets;

    private FrameLayout(PageLog log, long contents, int[] targets)
    {
        _log = log;
        _targets = targets;
        _references = NativeArray<uint>.Allocate(contents);
        _frames = NativeArray<uint>.Allocate(contents);
    }

    /// <summary>How many contents have how many pages.</summary>
    public Histogram ReferenceCounts { get; } = new();

    /// <summary>The contents with most pages, and how many these are; the commonest first.</summary>
    public IReadOnlyList<(long Content, long Pages)> Commonest { get; private set; } = [];

    /// <summary>Contents with one page alone.</summary>
    public long UniqueContents { get; private set; }

    /// <summary>Frames that sharing makes.</summary>
    public uint Frames { get; private set; }

    /// <summary>The targets looked at.</summary>
    public IReadOnlyList<int> Targets => _targets;

    /// <summary>Lays out the frames of some targets that share among themselves.</summary>
    /// <param name="log">Their pages, sealed.</param>
    /// <param name="contents">Number of contents in the log.</param>
    /// <param name="targets">Their numbers, in order.</param>
    public static FrameLayout Of(PageLog log, long contents, params int[] targets)
    {
        var layout = new FrameLayout(log, contents, targets);
        layout.CountReferences();
        layout.AssignFrames();
        return layout;
    }

    /// <summary>Whether a content is one page of these targets alone.</summary>
    public bool IsUnique(long content) => _frames[content] == Alone;

    /// <summary>The shared runs of a target, by position.</summary>
    /// <param name="target">One of the targets.</param>
    /// <param name="startRegion">Called for each region.</param>
    public IEnumerable<SharedRun> Runs(int target, Action? startRegion = null)
    {
        SharedRun run = default;
        long position = 0;
        bool atStart = true;
        foreach (Stretch stretch in _log.Read(target))
        {
            if (!stretch.HasContents)
            {
                bool isRegion = stretch.Kind == StretchKind.Region;
                if (run.Length > 0)
                {
                    yield return run with { EndsRegion = isRegion };
                    run = default;
                }

                if (isRegion)
                {
                    startRegion?.Invoke();
                }

                position += isRegion ? 1 : stretch.Length;
                atStart = isRegion;
                continue;
            }

            for (long i = 0; i < stretch.Length; i++, position++, atStart = false)
            {
                uint frame = _frames[stretch.ContentAt(i)];
                if (frame != Alone && run.Length > 0 && frame == run.Frame + run.Length)
                {
                    run = run with { Length = run.Length + 1 };
                    continue;
                }

                if (run.Length > 0)
                {
                    yield return run;
                }

                run = frame == Alone ? default : new SharedRun(position, frame, 1, atStart, EndsRegion: false);
            }
        }

        if (run.Length > 0)
        {
            yield return run with { EndsRegion = true };
        }
    }

    /// <summary>Forgets what a budget has shared. Reference counts are gone with the first call.</summary>
    public void BeginSharing()
    {
        for (long content = 0; content < _references.Length; content++)
        {
            _references[content] = 0;
        }
    }

    /// <summary>Shares the pages of a run.</summary>
    /// <returns>How many pages that saves: all but the first of each frame.</returns>
    public long Share(in SharedRun run)
    {
        long saved = 0;
        for (long frame = run.Frame; frame < run.Frame + run.Length; frame++)
        {
            // Frames are numbered from 1 and are never more than contents.
            saved += _references[frame - 1]++ > 0 ? 1 : 0;
        }

        return saved;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _references.Dispose();
        _frames.Dispose();
    }

    private void CountReferences()
    {
        foreach (Stretch stretch in _targets.SelectMany(_log.Read).Where(stretch => stretch.HasContents))
        {
            for (long i = 0; i < stretch.Length; i++)
            {
                ref uint references = ref _references[stretch.ContentAt(i)];
                references += references == uint.MaxValue ? 0u : 1;
            }
        }
    }

    private void AssignFrames()
    {
        var commonest = new PriorityQueue<(long Content, long Pages), (long Pages, long Earlier)>();
        foreach (Stretch stretch in _targets.SelectMany(_log.Read).Where(stretch => stretch.HasContents))
        {
            for (long i = 0; i < stretch.Length; i++)
            {
                long content = stretch.ContentAt(i);
                if (_frames[content] != 0)
                {
                    continue;
                }

                uint references = _references[content];
                ReferenceCounts.Add(references);
                _frames[content] = references > 1 ? ++Frames : Alone;
                UniqueContents += references > 1 ? 0 : 1;
                if (references > 1)
                {
                    // The least common first, of equal ones the later.
                    commonest.Enqueue((content, references), (references, -content));
                    if (commonest.Count > MostCommon)
                    {
                        commonest.Dequeue();
                    }
                }
            }
        }

        var ordered = new List<(long, long)>();
        while (commonest.TryDequeue(out (long Content, long Pages) next, out _))
        {
            ordered.Add(next);
        }

        ordered.Reverse();
        Commonest = ordered;
    }
}

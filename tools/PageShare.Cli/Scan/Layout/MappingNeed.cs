using PageShare.Memory;

namespace PageShare.Cli.Scan.Layout;

/// <summary>
/// How many mappings it takes to share pages by a layout of frames, and what that saves if it may take fewer.
/// </summary>
/// <remarks>
/// A region is one mapping; zero and absent pages are holes in it and cost none. A shared run that begins or ends
/// inside a region cuts it there, unless a neighbour has cut it already. Under a budget the longest runs are shared
/// first, as the engine does, of equally long ones the earlier; a frame saves nothing until its second page is shared.
/// Pages are added target by target, in the order of addresses. Not thread-safe.
/// </remarks>
internal sealed class MappingNeed
{
    // As many mappings as the largest budget, and no run takes less than one: more runs than that are never needed.
    private const int MostRuns = 1 << 20;

    private readonly List<long> _mappingsOfTarget = [];
    private readonly RunPile _runs = new(MostRuns);
    private SharedRun _run;

    // Of the page to come, counted over all targets; a gap lies between regions.
    private long _position;
    private bool _isAtStart;

    // Behind the last run.
    private long _end;

    private long _cuts;
    private long _regions;
    private long _mappingsBefore;
    private long _sharedPages;
    private int _frames;

    /// <summary>
    /// The budgets looked at, from the least: the kernel's usual limit is 65,530, and 1,048,576 on many new
    /// distributions.
    /// </summary>
    public static IReadOnlyList<(string Name, long Mappings)> Budgets { get; } =
        [("10k", 10_000), ("30k", 30_000), ("65k", 65_530), ("1M", MostRuns)];

    /// <summary>Mappings of all targets together, with all that can be shared.</summary>
    public long Mappings => _regions + _cuts;

    /// <summary>The same for each target.</summary>
    public IReadOnlyList<long> MappingsOfTarget => _mappingsOfTarget;

    /// <summary>How many runs have how many pages.</summary>
    public Histogram RunLengths { get; } = new();

    /// <summary>What follows belongs to the next target.</summary>
    public void BeginTarget()
    {
        _mappingsBefore = Mappings;
        _position++;
        _isAtStart = true;
    }

    /// <summary>A region begins.</summary>
    public void AddRegion()
    {
        EndRun(endsRegion: true);
        _regions++;
        _position++;
        _isAtStart = true;
    }

    /// <summary>Adds zero or absent pages.</summary>
    public void AddHoles(long pages)
    {
        EndRun(endsRegion: false);
        _position += pages;
        _isAtStart = false;
    }

    /// <summary>Adds a page with content.</summary>
    /// <param name="frame">
    /// Its frame, from 1 in the order in which they are first added; 0 if it shares none.
    /// </param>
    public void AddContent(int frame)
    {
        if (_run.Length > 0 && frame == _run.Frame + _run.Length)
        {
            _run = _run with { Length = _run.Length + 1 };
        }
        else
        {
            EndRun(endsRegion: false);
            _run = frame == 0 ? default : new SharedRun(_position, frame, 1, _isAtStart, EndsRegion: false);
        }

        _frames = Math.Max(_frames, frame);
        _position++;
        _isAtStart = false;
    }

    /// <summary>There are no more pages of the target.</summary>
    public void EndTarget()
    {
        EndRun(endsRegion: true);
        _mappingsOfTarget.Add(Mappings - _mappingsBefore);
    }

    /// <summary>Pages saved by sharing and mappings taken for each budget.</summary>
    public IReadOnlyList<(long Mappings, long Saved)> Share()
    {
        long[] tooFew = [.. Budgets.Select(budget => budget.Mappings).Where(mappings => mappings < Mappings)];
        List<(long, long)> results = tooFew.Length > 0 ? ShareLongestFirst(tooFew) : [];
        while (results.Count < Budgets.Count)
        {
            results.Add((Mappings, _sharedPages - _frames));
        }

        return results;
    }

    private void EndRun(bool endsRegion)
    {
        if (_run.Length == 0)
        {
            return;
        }

        SharedRun run = _run with { EndsRegion = endsRegion };
        _run = default;

        // The cut between two runs that adjoin is one.
        _cuts += (run.StartsRegion || run.Position == _end ? 0 : 1) + (run.EndsRegion ? 0 : 1);
        _end = run.End;
        _sharedPages += run.Length;
        RunLengths.Add(run.Length);
        _runs.Add(run);
    }

    private List<(long Mappings, long Saved)> ShareLongestFirst(long[] budgets)
    {
        ReadOnlySpan<SharedRun> runs = _runs.Longest();
        bool[] isShared = new bool[runs.Length];
        using var isFrameShared = NativeArray<bool>.Allocate(_frames + 1L, isDense: true);
        var results = new List<(long, long)>();
        long mappings = _regions;
        long saved = 0;
        foreach (int number in _runs.LongestFirst())
        {
            int cost = CostOf(runs, number, isShared);
            while (results.Count < budgets.Length && mappings + cost > budgets[results.Count])
            {
                results.Add((mappings, saved));
            }

            if (results.Count == budgets.Length)
            {
                return results;
            }

            mappings += cost;
            saved += Share(runs[number], isFrameShared);
            isShared[number] = true;
        }

        while (results.Count < budgets.Length)
        {
            results.Add((mappings, saved));
        }

        return results;
    }

    /// <summary>Shares the pages of a run.</summary>
    /// <returns>How many pages that saves: all but the first of each frame.</returns>
    private static int Share(in SharedRun run, NativeArray<bool> isFrameShared)
    {
        Span<bool> frames = isFrameShared.Slice(run.Frame, run.Length);
        int saved = frames.Count(true);
        frames.Fill(true);
        return saved;
    }

    /// <summary>Cuts that sharing a run adds.</summary>
    private static int CostOf(ReadOnlySpan<SharedRun> runs, int number, bool[] isShared)
    {
        SharedRun run = runs[number];
        bool isCutBefore = run.StartsRegion
            || (number > 0 && isShared[number - 1] && runs[number - 1].End == run.Position);
        bool isCutBehind = run.EndsRegion
            || (number + 1 < runs.Length && isShared[number + 1] && runs[number + 1].Position == run.End);
        return (isCutBefore ? 0 : 1) + (isCutBehind ? 0 : 1);
    }
}

namespace PageShare.Cli.Scan.Layout;

/// <summary>
/// How many mappings a layout takes, and what it saves if it may take fewer.
/// </summary>
/// <remarks>
/// A region is one mapping; zero and absent pages are holes in it and cost none. A shared run that begins or ends
/// inside a region cuts it there, unless a neighbour has cut it already. Under a budget the longest runs are shared
/// first, as the engine does, of equally long ones the earlier; a frame saves nothing until its second page is shared.
/// </remarks>
internal sealed class MappingNeed
{
    // As many mappings as the largest budget, and no run takes less than one: more runs than that are never needed.
    private const int MostRuns = 1 << 20;
    private const int LongestCounted = 1 << 16;

    private readonly FrameLayout _layout;
    private readonly long[] _runsOfLength = new long[LongestCounted + 1];
    private readonly long[] _mappingsOfTarget;
    private long _regions;

    private MappingNeed(FrameLayout layout)
    {
        _layout = layout;
        _mappingsOfTarget = new long[layout.Targets.Count];
    }

    /// <summary>
    /// The budgets looked at: the kernel's usual limit is 65,530, and 1,048,576 on many new distributions.
    /// </summary>
    public static IReadOnlyList<(string Name, long Mappings)> Budgets { get; } =
        [("10k", 10_000), ("30k", 30_000), ("65k", 65_530), ("1M", MostRuns)];

    /// <summary>Mappings of all targets together, with all that can be shared.</summary>
    public long Mappings => _mappingsOfTarget.Sum();

    /// <summary>The same for each target.</summary>
    public IReadOnlyList<long> MappingsOfTarget => _mappingsOfTarget;

    /// <summary>How many runs have how many pages.</summary>
    public Histogram RunLengths { get; } = new();

    /// <summary>Measures a layout.</summary>
    public static MappingNeed Of(FrameLayout layout)
    {
        var need = new MappingNeed(layout);
        for (int i = 0; i < layout.Targets.Count; i++)
        {
            long before = need._regions;
            long cuts = 0;
            long end = -1;
            foreach (SharedRun run in layout.Runs(layout.Targets[i], () => need._regions++))
            {
                // The cut between two runs that adjoin is one.
                cuts += (run.StartsRegion || run.Position == end ? 0 : 1) + (run.EndsRegion ? 0 : 1);
                end = run.End;
                need.RunLengths.Add(run.Length);
                need._runsOfLength[Math.Min(run.Length, LongestCounted)]++;
            }

            need._mappingsOfTarget[i] = need._regions - before + cuts;
        }

        return need;
    }

    /// <summary>
    /// Pages saved by sharing and mappings taken for each budget. The layout's reference counts are gone then.
    /// </summary>
    public IReadOnlyList<(long Mappings, long Saved)> Share()
    {
        List<SharedRun> runs = LongestRuns();
        int[] order = [.. Enumerable.Range(0, runs.Count)];
        Array.Sort(order, (left, right) =>
        {
            int byLength = runs[right].Length.CompareTo(runs[left].Length);
            return byLength != 0 ? byLength : left.CompareTo(right);
        });

        bool[] isShared = new bool[runs.Count];
        var results = new List<(long, long)>();
        long mappings = _regions;
        long saved = 0;
        _layout.BeginSharing();
        foreach (int number in order)
        {
            int cost = CostOf(runs, number, isShared);
            while (results.Count < Budgets.Count && mappings + cost > Budgets[results.Count].Mappings)
            {
                results.Add((mappings, saved));
            }

            if (results.Count == Budgets.Count)
            {
                break;
            }

            mappings += cost;
            saved += _layout.Share(runs[number]);
            isShared[number] = true;
        }

        while (results.Count < Budgets.Count)
        {
            results.Add((mappings, saved));
        }

        return results;
    }

    /// <summary>Cuts that sharing a run adds.</summary>
    private static int CostOf(List<SharedRun> runs, int number, bool[] isShared)
    {
        SharedRun run = runs[number];
        bool isCutBefore = run.StartsRegion
            || (number > 0 && isShared[number - 1] && runs[number - 1].End == run.Position);
        bool isCutBehind = run.EndsRegion
            || (number + 1 < runs.Count && isShared[number + 1] && runs[number + 1].Position == run.End);
        return (isCutBefore ? 0 : 1) + (isCutBehind ? 0 : 1);
    }

    /// <summary>The longest runs of all targets by position, at most as many as the largest budget can take.</summary>
    private List<SharedRun> LongestRuns()
    {
        int shortest = LongestCounted;
        long room = MostRuns - _runsOfLength[shortest];
        while (shortest > 1 && room > 0)
        {
            shortest--;
            room -= _runsOfLength[shortest];
        }

        // Of the shortest that are taken, as many as there is room for.
        long ofShortest = _runsOfLength[shortest] + Math.Min(room, 0);
        var runs = new List<SharedRun>();
        long offset = 0;
        foreach (int target in _layout.Targets)
        {
            long end = 0;
            foreach (SharedRun run in _layout.Runs(target))
            {
                end = run.End;
                if (Math.Min(run.Length, LongestCounted) > shortest
                    || (Math.Min(run.Length, LongestCounted) == shortest && ofShortest-- > 0))
                {
                    runs.Add(run with { Position = run.Position + offset });
                }
            }

            // A page between targets, so that their runs never adjoin.
            offset += end + 1;
        }

        return runs;
    }
}

namespace PageShare.Workloads.Traces;

/// <summary>
/// In which order the pages that differ between the two moments are written: runs of neighbours, as guests write, the
/// runs of all guests in random order.
/// </summary>
/// <remarks>Immutable.</remarks>
internal sealed class WritePlan
{
    /// <summary>Longest run. Busy guests were seen to write shared pages in runs of three to six.</summary>
    public const int MostRunPages = 6;

    private readonly PageOfGuest[] _pages;

    private WritePlan(PageOfGuest[] pages) => _pages = pages;

    /// <summary>The pages, in order; each once.</summary>
    public ReadOnlySpan<PageOfGuest> Pages => _pages;

    /// <summary>Makes the plan.</summary>
    /// <param name="contents">What the pages hold.</param>
    /// <param name="seed">Of the order.</param>
    /// <param name="mostPages">Ends the plan early: only so many pages are written.</param>
    public static WritePlan Of(TraceContents contents, ulong seed, int mostPages = int.MaxValue)
    {
        var runs = new List<(int Guest, int First, int Pages)>();
        for (var guest = 0; guest < contents.Guests; guest++)
        {
            AddRuns(guest, contents[guest, Moment.Idle], contents[guest, Moment.Active], runs);
        }

        var pages = new List<PageOfGuest>();
        foreach (var index in new SeededRandom(seed).Order(runs.Count))
        {
            var (guest, first, count) = runs[index];
            for (var i = 0; i < count && pages.Count < mostPages; i++)
            {
                pages.Add(new PageOfGuest(guest, first + i));
            }
        }

        return new WritePlan([.. pages]);
    }

    private static void AddRuns(
        int guest, ReadOnlySpan<int> idle, ReadOnlySpan<int> active, List<(int Guest, int First, int Pages)> runs)
    {
        for (var page = 0; page < idle.Length; page++)
        {
            if (idle[page] == active[page])
            {
                continue;
            }

            var first = page;
            while (page + 1 < idle.Length && page + 1 - first < MostRunPages && idle[page + 1] != active[page + 1])
            {
                page++;
            }

            runs.Add((guest, first, page + 1 - first));
        }
    }
}

/// <summary>A page of one of several guests.</summary>
internal readonly record struct PageOfGuest(int Guest, int Page);

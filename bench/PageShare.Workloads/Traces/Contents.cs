namespace PageShare.Workloads.Traces;

/// <summary>The memory of a trace at one moment.</summary>
/// <param name="Trace">Where to read it.</param>
/// <param name="Numbers">Which of its pages are equal.</param>
/// <param name="Moment">Which of the trace's two.</param>
internal sealed record Contents(IMemoryTrace Trace, TraceContents Numbers, Moment Moment)
{
    /// <summary>For reports.</summary>
    public string Name => Moment == Moment.Idle ? "idle" : "active";

    /// <summary>What exact sharing saves of it.</summary>
    public SharingCount Count()
    {
        var count = new SharingCount(Numbers.Count);
        for (var guest = 0; guest < Numbers.Guests; guest++)
        {
            count.Add(Numbers[guest, Moment]);
        }

        return count;
    }

    /// <summary>Pages whose content others have, too, zeros apart, in random order.</summary>
    /// <param name="most">No more than so many.</param>
    /// <param name="seed">Of the order.</param>
    public IReadOnlyList<PageOfGuest> PagesToBreak(int most, ulong seed)
    {
        var count = Count();
        var pages = new List<PageOfGuest>();
        for (var guest = 0; guest < Numbers.Guests; guest++)
        {
            var numbers = Numbers[guest, Moment];
            for (var page = 0; page < numbers.Length; page++)
            {
                if (numbers[page] != TraceContents.Zero && count.PagesOf(numbers[page]) > 1)
                {
                    pages.Add(new PageOfGuest(guest, page));
                }
            }
        }

        return [.. new SeededRandom(seed).Order(pages.Count).Take(most).Select(index => pages[index])];
    }
}

namespace PageShare.Cli.Traces;

/// <summary>Makes a trace of its moments.</summary>
/// <param name="name">Where it comes from.</param>
/// <param name="guests">The guests' names.</param>
internal sealed class TraceBuilder(string name, IReadOnlyList<string> guests)
{
    private readonly List<TraceMoment> _moments = [];
    private readonly int[] _pages = new int[guests.Count];
    private Moment? _before;

    /// <summary>Adds the next moment.</summary>
    public void Add(Moment moment)
    {
        var changes = new PageChange[guests.Count][];
        for (int guest = 0; guest < guests.Count; guest++)
        {
            changes[guest] = [.. ChangesOf(moment.Guests[guest])];
            _pages[guest] = Math.Max(_pages[guest], moment.Guests[guest].Sum(stretch => stretch.Length));
        }

        IntervalLoad? load = _before is null ? null : IntervalLoad.Between(_before, moment);
        _moments.Add(new TraceMoment(moment.At, load, changes));
        _before = moment;
    }

    /// <summary>The trace.</summary>
    /// <exception cref="CommandException">It tells nothing.</exception>
    public MemoryTrace Build()
    {
        if (_before is null || _moments.TrueForAll(moment => moment.Changes.All(changes => changes.Length == 0)))
        {
            throw CommandException.Failed($"{name}: there is no page in it, so there is nothing to tune for.");
        }

        return new MemoryTrace
        {
            Name = name,
            Guests = guests,
            Pages = _pages,
            Moments = _moments,
            Contents = _before.Contents,
        };
    }

    private static IEnumerable<PageChange> ChangesOf(IReadOnlyList<ChangeStretch> stretches)
    {
        int page = 0;
        foreach (ChangeStretch stretch in stretches)
        {
            for (int i = 0; i < stretch.Length && stretch.Kind != ChangeKind.Same; i++)
            {
                yield return new PageChange(page + i, stretch.ContentAt(i));
            }

            page += stretch.Length;
        }
    }
}

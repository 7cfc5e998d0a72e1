using PageShare.Cli.Html;

namespace PageShare.Cli.Traces;

/// <summary>What the pages of a trace are at its last moment.</summary>
internal sealed class TraceCensus
{
    private readonly int[][] _contents;
    private readonly bool[][] _changed;
    private readonly Dictionary<int, int> _users = [];

    private TraceCensus(MemoryTrace trace)
    {
        _contents = [.. trace.Pages.Select(pages => new int[pages])];
        _changed = [.. trace.Pages.Select(pages => new bool[pages])];
        Array.ForEach(_contents, contents => Array.Fill(contents, Contents.Absent));
    }

    /// <summary>Counts a trace.</summary>
    public static TraceCensus Of(MemoryTrace trace)
    {
        var census = new TraceCensus(trace);
        for (int moment = 0; moment < trace.Moments.Count; moment++)
        {
            for (int guest = 0; guest < trace.Guests.Count; guest++)
            {
                foreach (PageChange change in trace.Moments[moment].Changes[guest])
                {
                    // Memory that is new is no change of what was there.
                    census._changed[guest][change.Page] |= census._contents[guest][change.Page] != Contents.Absent;
                    census._contents[guest][change.Page] = change.Content;
                }
            }
        }

        foreach (int content in census._contents.SelectMany(contents => contents).Where(content => content > 0))
        {
            census._users[content] = census._users.GetValueOrDefault(content) + 1;
        }

        return census;
    }

    /// <summary>A guest's pages that have memory, by address.</summary>
    public AddressMap MapOf(int guest)
    {
        int[] contents = _contents[guest];
        var map = new AddressMap(contents.LongCount(content => content != Contents.Absent));
        for (int page = 0; page < contents.Length; page++)
        {
            if (contents[page] != Contents.Absent)
            {
                map.Add(UseOf(contents[page], _changed[guest][page]));
            }
        }

        return map;
    }

    private PageUse UseOf(int content, bool hasChanged)
    {
        if (hasChanged)
        {
            return PageUse.Volatile;
        }

        if (content == Contents.Zero)
        {
            return PageUse.Zero;
        }

        return _users[content] > 1 ? PageUse.Shared : PageUse.Private;
    }
}

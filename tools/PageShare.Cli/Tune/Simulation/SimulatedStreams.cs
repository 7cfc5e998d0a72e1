namespace PageShare.Cli.Tune.Simulation;

/// <summary>How many pages a store to a shared one breaks: what the shim does, in streams.c.</summary>
/// <param name="pages">Pages of the region.</param>
/// <param name="mostPages">Most pages that a store breaks.</param>
internal sealed class SimulatedStreams(int pages, int mostPages)
{
    private const int Slots = 16;
    private const int GapWidths = 4;

    private readonly (int Next, int Width)[] _slots = new (int, int)[Slots];
    private int _newest;

    /// <summary>Most pages that a store to this one breaks.</summary>
    public int WidthAt(int page)
    {
        int slot = Find(page);
        return slot < 0 ? 1 : Math.Min(Math.Min(2 * _slots[slot].Width, mostPages), pages - page);
    }

    /// <summary>A store to a page has broken so many from there on.</summary>
    public void GoOn(int page, int broken, Func<int, bool> isShared)
    {
        if (mostPages == 1)
        {
            return;
        }

        int width = broken;
        int slot = Find(page);
        if (slot < 0)
        {
            slot = _newest;
            _newest = (_newest + 1) % Slots;
        }
        else
        {
            width = Math.Max(width, _slots[slot].Width); // less is a shared run's end
        }

        int next = page + broken;
        for (int end = Math.Min(pages, next + (GapWidths * width)); next < end && !isShared(next);)
        {
            next++;
        }

        _slots[slot] = (next, width);
    }

    private int Find(int page) => mostPages == 1 || page == 0
        ? -1
        : Array.FindIndex(_slots, slot => slot.Next == page);
}

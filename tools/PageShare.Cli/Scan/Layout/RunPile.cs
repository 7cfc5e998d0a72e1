using System.Runtime.InteropServices;

namespace PageShare.Cli.Scan.Layout;

/// <summary>
/// Shared runs by position, of which only the longest are kept, of equally long ones the earlier.
/// </summary>
/// <remarks>Memory is bounded: half as many again as are kept. Not thread-safe.</remarks>
/// <param name="most">How many are kept.</param>
internal sealed class RunPile(int most)
{
    // Runs from here on count as equally long when some are dropped: 2^20 of them would be 256 TiB.
    private const int LongestCounted = 1 << 16;

    private readonly List<SharedRun> _runs = [];

    /// <summary>Adds a run that lies behind those added before.</summary>
    public void Add(in SharedRun run)
    {
        if (_runs.Count == most + (most / 2))
        {
            DropShortest();
        }

        _runs.Add(run);
    }

    /// <summary>Those that are kept. Valid until one is added.</summary>
    public ReadOnlySpan<SharedRun> Longest()
    {
        DropShortest();
        return CollectionsMarshal.AsSpan(_runs);
    }

    /// <summary>The places of those that are kept, the longest first, of equally long ones the earlier: sorted by
    /// counting.</summary>
    public int[] LongestFirst()
    {
        DropShortest();
        int[] places = CountLengths();
        int behind = 0;
        for (int length = places.Length - 1; length >= 0; length--)
        {
            behind += places[length];
            places[length] = behind - places[length];
        }

        int[] order = new int[_runs.Count];
        for (int i = 0; i < order.Length; i++)
        {
            order[places[LengthOf(_runs[i])]++] = i;
        }

        if (places.Length > LongestCounted)
        {
            // Those that were not told apart by counting are the first.
            order.AsSpan(0, places[LongestCounted]).Sort((left, right) =>
            {
                int byLength = _runs[right].Length.CompareTo(_runs[left].Length);
                return byLength != 0 ? byLength : left.CompareTo(right);
            });
        }

        return order;
    }

    private static int LengthOf(in SharedRun run) => Math.Min(run.Length, LongestCounted);

    /// <summary>How many runs there are of each length, from 0 to the longest.</summary>
    private int[] CountLengths()
    {
        int longest = 0;
        foreach (ref readonly SharedRun run in CollectionsMarshal.AsSpan(_runs))
        {
            longest = Math.Max(longest, LengthOf(run));
        }

        int[] counts = new int[longest + 1];
        foreach (ref readonly SharedRun run in CollectionsMarshal.AsSpan(_runs))
        {
            counts[LengthOf(run)]++;
        }

        return counts;
    }

    private void DropShortest()
    {
        int surplus = _runs.Count - most;
        if (surplus <= 0)
        {
            return;
        }

        int[] counts = CountLengths();
        int shortest = 0;
        while (surplus >= counts[shortest])
        {
            surplus -= counts[shortest++];
        }

        // Of the shortest that are kept, the later go.
        int room = counts[shortest] - surplus;
        _runs.RemoveAll(run => LengthOf(run) < shortest || (LengthOf(run) == shortest && room-- <= 0));
    }
}

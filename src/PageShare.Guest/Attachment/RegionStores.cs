using PageShare.Memory;
using PageShare.PageTable;

namespace PageShare.Attachment;

/// <summary>
/// The stores whose frames a region's pages may show: the present host's, and those of hosts that are gone. Holding a
/// descriptor keeps all of a store's memory, so former ones are given up as soon as no page shows them.
/// </summary>
/// <remarks>Guard: the guest's lock. Disposed by the region's handle, as the last of what it owns.</remarks>
internal sealed class RegionStores(StoreTable table, SharedStore first) : IDisposable
{
    private readonly SortedDictionary<int, SharedStore> _byGeneration = new() { [0] = first };

    /// <summary>The present store's generation in page words.</summary>
    public int Current { get; private set; }

    /// <summary>Whether there are stores of former hosts.</summary>
    public bool HasFormer => _byGeneration.Count > 1;

    /// <summary>The store of a generation.</summary>
    public SharedStore this[int generation] => _byGeneration[generation];

    /// <summary>Makes another store the present one. Owned from then on.</summary>
    public void Add(int generation, SharedStore store)
    {
        _byGeneration.Add(generation, store);
        Current = generation;
    }

    /// <summary>The generations that page words name, oldest first.</summary>
    /// <param name="words">The page words.</param>
    /// <param name="pages">Pages to look at.</param>
    public static IReadOnlyList<int> FindNamed(PageWords words, long pages)
    {
        Span<bool> isNamed = stackalloc bool[PageWord.MaximumGeneration + 1];
        isNamed.Clear();
        for (var page = new PageNumber(0); page.Value < pages; page++)
        {
            var word = words.Read(page);
            if (PageStates.NamesFrame(word.State))
            {
                isNamed[word.Generation] = true;
            }
        }

        var named = new List<int>();
        for (var generation = 0; generation < isNamed.Length; generation++)
        {
            if (isNamed[generation])
            {
                named.Add(generation);
            }
        }

        return named;
    }

    /// <summary>
    /// Gives up former stores that no page shows any more. A page that leaves one never comes back to it, so one look
    /// at each word is enough, whatever happens meanwhile.
    /// </summary>
    /// <param name="named">What <see cref="FindNamed"/> found.</param>
    public void DropFormerBut(IReadOnlyList<int> named)
    {
        foreach (var (generation, store) in _byGeneration.ToArray())
        {
            if (generation != Current && !named.Contains(generation))
            {
                _byGeneration.Remove(generation);
                table.Release(store);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var store in _byGeneration.Values)
        {
            table.Release(store);
        }

        _byGeneration.Clear();
    }
}

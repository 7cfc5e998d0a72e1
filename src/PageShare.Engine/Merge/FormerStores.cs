using System.Runtime.InteropServices;
using PageShare.Memory;
using PageShare.PageTable;
using PageShare.Platform;

namespace PageShare.Merge;

/// <summary>
/// The frame stores of hosts before this one, as a guest that lost its host has handed them over. They are read and
/// nothing else: other guests still map them, and what they hold is the guest's own word.
/// </summary>
/// <remarks>
/// They are read by a system call, never through a mapping: that would give memory to their holes, and a store that was
/// made smaller would end the host. Guard: the engine's lock.
/// </remarks>
internal sealed unsafe class FormerStores : IDisposable
{
    private readonly MemoryObject?[] _stores = new MemoryObject?[PageWord.MaximumGeneration + 1];
    private long _leftInPass;
    private long _before;

    /// <param name="nextGeneration">What page words will call the present store.</param>
    public FormerStores(int nextGeneration) => NextGeneration = nextGeneration;

    /// <summary>What page words call the present store.</summary>
    public int NextGeneration { get; }

    /// <summary>Pages that still show these stores, as last counted.</summary>
    public long PagesToMove { get; set; }

    /// <summary>Whether no page shows them any more: they are closed then, and never looked at again.</summary>
    public bool IsDone { get; private set; }

    /// <summary>When they are tried again that could not be moved.</summary>
    public LateBackOff BackOff { get; } = new();

    /// <summary>Adds a store, which belongs to this one from now on.</summary>
    public void Add(int generation, MemoryObject store) => _stores[generation] = store;

    /// <summary>Those that are left, by generation.</summary>
    public IEnumerable<(int Generation, SafeHandle Store)> Open => _stores
        .Select(static (store, generation) => (generation, Store: (SafeHandle?)store))
        .Where(static store => store.Store is { IsClosed: false })
        .Select(static store => (store.generation, store.Store!));

    /// <summary>A pass looks at a stretch.</summary>
    public void BeginStretch(PageNumber first, long passNumber)
    {
        if (first.Value == 0)
        {
            BackOff.BeginPass(passNumber, 0);
            _leftInPass = 0;
            _before = PagesToMove;
        }
    }

    /// <summary>It has.</summary>
    /// <param name="left">Pages of it that still show these stores.</param>
    /// <param name="isLast">Whether the region ends there.</param>
    /// <param name="wasTried">Whether pages could be moved.</param>
    public void EndStretch(int left, bool isLast, bool wasTried)
    {
        _leftInPass += left;
        if (!isLast)
        {
            return;
        }

        PagesToMove = _leftInPass;
        if (PagesToMove == 0)
        {
            IsDone = true;
            Dispose();
        }
        else if (wasTried && !BackOff.IsActive && PagesToMove >= _before)
        {
            BackOff.Begin(); // in vain, whoever is to blame
        }
    }

    /// <summary>Whether the page shows a frame of one of these stores, or is just about to cease to.</summary>
    public bool IsShownBy(PageWord word) =>
        PageStates.NamesFrame(word.State) && word.Generation != NextGeneration;

    /// <summary>Copies the frames out that neighbouring pages show.</summary>
    /// <returns>How many were read, from the first on.</returns>
    public int Read(int generation, FrameNumber first, int count, byte* into) =>
        _stores[generation] is { } store ? store.Read(first.Offset, into, count * PageSize.Bytes) / PageSize.Bytes : 0;

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var store in _stores)
        {
            store?.Dispose();
        }
    }
}

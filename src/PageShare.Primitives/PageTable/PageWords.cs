using PageShare.Memory;

namespace PageShare.PageTable;

/// <summary>
/// The page words of one region: a view of memory that the native shim maps too, which fault handlers change at any
/// moment. What is read here is true at that moment only; a decision based on it is taken by
/// <see cref="TryTransition"/> or by a native call, which look again.
/// </summary>
/// <remarks>Thread-safe. The memory belongs to the region, which outlives this view.</remarks>
internal sealed unsafe class PageWords
{
    // Both immutable after construction.
    private readonly ulong* _words;
    private readonly long _length;

    /// <summary>Views <paramref name="length"/> page words.</summary>
    /// <param name="words">First word, 8-byte aligned; must stay valid as long as the view is used.</param>
    /// <param name="length">Words.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="length"/> is negative.</exception>
    public PageWords(ulong* words, long length)
    {
        ArgumentNullException.ThrowIfNull(words);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        _words = words;
        _length = length;
    }

    /// <summary>Pages that have a word.</summary>
    public long Length => _length;

    /// <summary>The word of <paramref name="page"/> as it is now.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The region has no such page.</exception>
    public PageWord Read(PageNumber page)
    {
        // Acquire: pairs with the release that ends each native transition (seal, commit, break). Whoever sees Private
        // after a break also sees the bytes copied home, whoever sees Shared(frame) the punched backing. Were the load
        // to move down, the scanner could judge bytes by a state that they no longer have.
        return new PageWord(Volatile.Read(ref Word(page)));
    }

    /// <summary>Whether all of these pages have this word. They are not read at one moment, nor in any order: good for
    /// counting alone.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The region has no such pages.</exception>
    public bool AreAll(PageWord word, PageNumber first, int count)
    {
        _ = (Word(first), Word(first + (count - 1)));

        // SAFETY: both ends are inside, by the line above.
        return !new ReadOnlySpan<ulong>(_words + first.Value, count).ContainsAnyExcept(word.Bits);
    }

    /// <summary>
    /// Moves <paramref name="page"/> from <paramref name="expected"/> to <paramref name="desired"/> if its word still
    /// is the expected one. False when a fault handler or another thread was first.
    /// </summary>
    /// <exception cref="InvalidOperationException">
    /// No such move exists: a broken invariant, stopped before it can corrupt a guest.
    /// </exception>
    /// <exception cref="ArgumentOutOfRangeException">The region has no such page.</exception>
    public bool TryTransition(PageNumber page, PageWord expected, PageWord desired)
    {
        // The only change of a word that leaves its state alone is counting pins, which only private pages have.
        var countsPins = expected.State == PageState.Private && desired.State == PageState.Private;
        if (!countsPins && !PageStates.IsLegal(expected.State, desired.State))
        {
            throw new InvalidOperationException($"{page} can't go from {expected} to {desired}.");
        }

        // Full fence: the release half pairs with the acquire in Read and with the fault handler's load of the word, so
        // that neither sees the new state before what this thread did under the old one; the acquire half keeps what
        // follows from starting before the page is ours.
        return Interlocked.CompareExchange(ref Word(page), desired.Bits, expected.Bits) == expected.Bits;
    }

    private ref ulong Word(PageNumber page)
    {
        if ((ulong)page.Value >= (ulong)_length)
        {
            throw new ArgumentOutOfRangeException(nameof(page), page, $"The region has {_length} pages.");
        }

        // SAFETY: 0 <= page < _length; the region keeps the aligned words mapped longer than this view. The shim's
        // threads and fault handlers write them at any time, hence only Volatile and Interlocked use the reference.
        return ref _words[page.Value];
    }
}

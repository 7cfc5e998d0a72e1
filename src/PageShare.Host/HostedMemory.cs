using System.Runtime.InteropServices;
using PageShare.Memory;
using PageShare.PageTable;
using PageShare.Platform;
using PageShare.Platform.Linux;
using PageShare.Protocol;
using PageShare.Protocol.Messages;

namespace PageShare.Host;

/// <summary>
/// A guest's memory as a third process reads it, while the guest writes and the host shares. It reads by system calls
/// alone, never through a mapping: that would give memory to holes.
/// </summary>
/// <remarks>
/// <para>Where a page's bytes are, its word says: in a store while it names a frame, else in the backing. The word may
/// change between looking there and having read, and then the bytes may be those of a hole or of a frame that is used
/// anew. So it is read again afterwards, and bytes count only if it is what it was.</para>
/// <para>Words and former stores are the guest's own word: a forged one shows bytes of this guest's share domain, which
/// it may read anyway, or none.</para>
/// <para><see cref="Locate"/> is for one thread at a time, <see cref="Read"/> for any number.</para>
/// </remarks>
internal sealed class HostedMemory : IDisposable
{
    /// <summary>Most pages of one read: a small piece, so that the word seldom changes meanwhile.</summary>
    public const int MostPages = 64;

    // A page that is being merged or written all the time is nobody's to count.
    private const int MostTries = 100;

    private const char Copied = 'c';

    private readonly string _kinds;
    private readonly Memfd _backing;
    private readonly Memfd _table;
    private readonly Dictionary<int, Memfd> _stores;

    // What is known of the backing: from the first to the second offset it has no memory, from there to the third it
    // has. Guard: the caller of Locate.
    private long _knownFrom;
    private long _dataStart;
    private long _dataEnd;

    private HostedMemory(long pages, string kinds, Memfd backing, Memfd table, Dictionary<int, Memfd> stores)
    {
        Pages = pages;
        _kinds = kinds;
        _backing = backing;
        _table = table;
        _stores = stores;
        Stores = stores.ToDictionary(static store => store.Key, static store => FileIdentity.Of(store.Value));
    }

    /// <summary>Pages of the guest.</summary>
    public long Pages { get; }

    /// <summary>What tells its stores from those of other guests, by generation.</summary>
    public IReadOnlyDictionary<int, FileIdentity> Stores { get; }

    /// <summary>Takes the descriptors of a host's answer.</summary>
    /// <param name="answer">The answer.</param>
    /// <param name="frame">It came in this one.</param>
    /// <param name="kinds">The kinds of its pages, where copies may lie in its process alone; else empty.</param>
    /// <exception cref="ProtocolException">Descriptors are missing.</exception>
    public static HostedMemory Take(MemoryAnswer answer, Frame frame, string kinds)
    {
        if (answer.Pages < 0 || frame.Descriptors.Count != 2 + answer.StoreGenerations.Count)
        {
            throw new ProtocolException("The host's answer does not fit the descriptors that it comes with.");
        }

        var stores = new Dictionary<int, Memfd>();
        for (var i = 0; i < answer.StoreGenerations.Count; i++)
        {
            stores[answer.StoreGenerations[i]] = Memfd.Take(frame.Take(2 + i), "store");
        }

        return new HostedMemory(
            answer.Pages, kinds, Memfd.Take(frame.Take(0), "backing"), Memfd.Take(frame.Take(1), "table"), stores);
    }

    /// <summary>Finds out where neighbouring pages are.</summary>
    /// <param name="first">First page.</param>
    /// <param name="places">Receives a place for each page.</param>
    public void Locate(long first, Span<PagePlace> places)
    {
        var words = new ulong[places.Length];
        var now = new ulong[places.Length];
        ReadWords(first, words);
        _knownFrom = _dataStart = _dataEnd = 0;
        for (var i = 0; i < places.Length; i++)
        {
            places[i] = PlaceOf(first + i, new PageWord(words[i]));
        }

        // What was merged or broken since has moved, and would seem to be nowhere.
        ReadWords(first, now);
        _knownFrom = _dataStart = _dataEnd = 0;
        for (var i = 0; i < places.Length; i++)
        {
            if (!IsSamePlace(words[i], now[i]))
            {
                places[i] = PlaceOf(first + i, new PageWord(now[i]));
            }
        }
    }

    /// <summary>Reads neighbouring pages; those without memory read as zeros.</summary>
    /// <param name="first">First page.</param>
    /// <param name="buffer">At most <see cref="MostPages"/> pages.</param>
    /// <returns>A bit for each page that could not be read as it was at any one time.</returns>
    public ulong Read(long first, Span<byte> buffer)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(buffer.Length, MostPages * PageSize.Bytes);
        var unread = ReadOnce(first, buffer);

        // A page that was merged, and written again, within the read has the word that it had, and may have been read
        // as the hole that its backing was in between. A second time is one coincidence too many.
        return HasZeroPage(buffer) ? ReadOnce(first, buffer) : unread;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _backing.Dispose();
        _table.Dispose();
        foreach (var store in _stores.Values)
        {
            store.Dispose();
        }
    }

    private ulong ReadOnce(long first, Span<byte> buffer)
    {
        var count = buffer.Length / PageSize.Bytes;
        Span<ulong> before = stackalloc ulong[count];
        Span<ulong> after = stackalloc ulong[count];
        ReadWords(first, before);
        var unread = Copy(first, before, buffer);
        ReadWords(first, after);
        for (var i = 0; i < count; i++)
        {
            if (!IsSamePlace(before[i], after[i]))
            {
                unread &= ~(1UL << i);
                unread |= TryReread(first + i, buffer.Slice(i * PageSize.Bytes, PageSize.Bytes)) ? 0 : 1UL << i;
            }
        }

        return unread;
    }

    private static bool HasZeroPage(ReadOnlySpan<byte> buffer)
    {
        for (; buffer.Length > 0; buffer = buffer[PageSize.Bytes..])
        {
            if (!buffer[..PageSize.Bytes].ContainsAnyExcept((byte)0))
            {
                return true;
            }
        }

        return false;
    }

    private bool TryReread(long page, Span<byte> buffer)
    {
        Span<ulong> before = stackalloc ulong[1];
        Span<ulong> after = stackalloc ulong[1];
        for (var tries = 0; tries < MostTries; tries++)
        {
            ReadWords(page, before);
            var unread = Copy(page, before, buffer);
            ReadWords(page, after);
            if (IsSamePlace(before[0], after[0]))
            {
                return unread == 0;
            }

            Thread.Yield();
        }

        return false;
    }

    /// <summary>Copies the bytes from where words say that they are, in as few calls as there are stretches.</summary>
    private ulong Copy(long first, ReadOnlySpan<ulong> words, Span<byte> buffer)
    {
        var unread = 0UL;
        for (int i = 0, length; i < words.Length; i += length)
        {
            var (source, offset) = SourceOf(first + i, words[i]);
            length = 1;
            while (i + length < words.Length
                && SourceOf(first + i + length, words[i + length])
                    == (source, offset + ((long)length * PageSize.Bytes)))
            {
                length++;
            }

            var wanted = length * PageSize.Bytes;
            var read = source?.Read(offset, buffer.Slice(i * PageSize.Bytes, wanted)) ?? 0;
            for (var missing = read / PageSize.Bytes; missing < length; missing++)
            {
                unread |= 1UL << (i + missing);
            }
        }

        return unread;
    }

    /// <summary>Where a page's bytes are. In the transient states that name a frame it is equal to the page.</summary>
    private (Memfd? Source, long Offset) SourceOf(long page, ulong bits)
    {
        var word = new PageWord(bits);
        return PageStates.NamesFrame(word.State)
            ? (_stores.GetValueOrDefault(word.Generation), word.Frame.Offset)
            : (_backing, page * PageSize.Bytes);
    }

    /// <summary>Whether nothing happened that moves bytes: pins and waiters come and go.</summary>
    private static bool IsSamePlace(ulong before, ulong after) =>
        new PageWord(before) is var first && new PageWord(after) is var second
        && first.State == second.State && first.Place == second.Place;

    private PagePlace PlaceOf(long page, PageWord word)
    {
        if (page < _kinds.Length && _kinds[(int)page] == Copied)
        {
            return new PagePlace(PlaceKind.InProcess);
        }

        if (PageStates.NamesFrame(word.State))
        {
            return new PagePlace(PlaceKind.InStore, word.Generation, word.Frame.Value);
        }

        return new PagePlace(
            HasMemory(page) ? PlaceKind.InBacking
            : word.State == PageState.Zero ? PlaceKind.FreedZero
            : PlaceKind.Absent);
    }

    private bool HasMemory(long page)
    {
        var offset = page * PageSize.Bytes;
        if (offset < _knownFrom || offset >= _dataEnd)
        {
            _knownFrom = offset;
            if (!_backing.TryFindData(offset, out _dataStart, out _dataEnd))
            {
                _dataStart = _dataEnd = long.MaxValue;
            }
        }

        return offset >= _dataStart;
    }

    private void ReadWords(long first, Span<ulong> words)
    {
        // Not through a mapping: a table, too, has memory only where words were touched. What lies behind its end reads as
        // Private.
        words.Clear();
        _ = _table.Read(PageTableMemory.HeaderBytes + (first * sizeof(ulong)), MemoryMarshal.AsBytes(words));
    }
}

/// <summary>Where a page's bytes are.</summary>
internal enum PlaceKind
{
    /// <summary>Nowhere: it was never written.</summary>
    Absent,

    /// <summary>Nowhere: it was all zero, and the host gave its memory back.</summary>
    FreedZero,

    /// <summary>In memory of its own.</summary>
    InBacking,

    /// <summary>In a frame.</summary>
    InStore,

    /// <summary>In a copy that the kernel made in the guest's process, and that nobody else can read.</summary>
    InProcess,
}

/// <summary>A page's place.</summary>
/// <param name="Kind">Where.</param>
/// <param name="Generation">Of the store.</param>
/// <param name="Frame">In it.</param>
internal readonly record struct PagePlace(PlaceKind Kind, int Generation = 0, long Frame = 0);

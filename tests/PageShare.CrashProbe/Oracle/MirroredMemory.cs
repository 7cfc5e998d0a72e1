using System.Globalization;
using System.Runtime.InteropServices;
using PageShare.TestKit;

namespace PageShare.CrashProbe.Oracle;

/// <summary>
/// Memory of a guest with a mirror in ordinary memory that is written beside it: the oracle. Each page has one thread
/// that writes, reads and checks it.
/// </summary>
internal sealed unsafe class MirroredMemory : IDisposable
{
    private readonly string[] _lastWrites; // of each page; by its owner
    private int _pages;

    /// <param name="name">For messages.</param>
    /// <param name="memory">First byte; all zero.</param>
    /// <param name="pages">Pages at the start.</param>
    /// <param name="mostPages">Pages that it may grow to.</param>
    /// <param name="owners">Who owns which page.</param>
    /// <param name="guest">Null for memory that becomes a guest only now and then: its pages are stored to, no
    /// more.</param>
    public MirroredMemory(string name, byte* memory, int pages, int mostPages, PageOwners owners, Guest? guest)
    {
        Name = name;
        Memory = memory;
        Owners = owners;
        Guest = guest;
        MostPages = mostPages;
        _pages = pages;
        _lastWrites = new string[mostPages];
        Mirror = (byte*)NativeMemory.AllocZeroed((nuint)mostPages * BusyGuests.PageBytes);
    }

    public string Name { get; }

    public byte* Memory { get; }

    public byte* Mirror { get; }

    public PageOwners Owners { get; }

    public Guest? Guest { get; }

    public int MostPages { get; }

    /// <summary>Grows; pages below it are there.</summary>
    public int Pages => Volatile.Read(ref _pages);

    public Span<byte> Span(PageOwners.Block block) =>
        new(Memory + ((long)block.First * BusyGuests.PageBytes), block.Bytes);

    public Span<byte> MirrorOf(PageOwners.Block block) =>
        new(Mirror + ((long)block.First * BusyGuests.PageBytes), block.Bytes);

    /// <summary>Makes the guest larger; any thread.</summary>
    public void Grow(int pages)
    {
        lock (_lastWrites)
        {
            var larger = Math.Min(_pages + pages, MostPages);
            Guest!.Grow((long)larger * BusyGuests.PageBytes);
            Volatile.Write(ref _pages, larger);
        }
    }

    /// <summary>Remembers for messages what was done last to the pages.</summary>
    public void Note(PageOwners.Block block, string operation)
    {
        for (var page = block.First; page < block.First + block.Count; page++)
        {
            _lastWrites[page] = operation;
        }
    }

    /// <summary>Compares pages with their mirror; their owner's thread, or any once all have ended.</summary>
    public void Check(PageOwners.Block block, string when)
    {
        var actual = Span(block);
        var expected = MirrorOf(block);
        var at = actual.CommonPrefixLength(expected);
        if (at == actual.Length)
        {
            return;
        }

        // What is there now may be something else already, and says as much.
        var page = block.First + (at / BusyGuests.PageBytes);
        var words = Guest is null
            ? "none, adopted now and then"
            : string.Join(" | ", Enumerable.Range(Math.Max(0, page - 1), 3)
                .Where(near => near < Pages)
                .Select(near => $"{near.ToString(CultureInfo.InvariantCulture)}: {PageWordText.Of(Guest, near)}"));
        throw new ProbeFailedException(string.Create(CultureInfo.InvariantCulture,
            $"Guest '{Name}', page {page}, offset {at % BusyGuests.PageBytes}: expected 0x{expected[at]:x2}, "
            + $"actual 0x{actual[at]:x2}; page words {words}; last write of the page: "
            + $"{_lastWrites[page] ?? "none"}; found by {when}."));
    }

    /// <summary>Checks every byte; nobody may be writing.</summary>
    public void CheckAll(string when)
    {
        for (var page = 0; page < Pages; page++)
        {
            Check(new PageOwners.Block(page, 1), when);
        }
    }

    public void Dispose() => NativeMemory.Free(Mirror);
}

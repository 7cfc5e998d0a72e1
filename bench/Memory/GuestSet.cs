using PageShare.Memory;

namespace PageShare.Bench.Memory;

/// <summary>
/// Guests of which half of the pages are in each of them: runs of pages, as files are in page caches, in an order of
/// each guest's own. Runs that are common and runs that are not take turns, so that every shared run is a mapping of
/// its own.
/// </summary>
internal sealed unsafe class GuestSet
{
    private readonly GuestMix _mix;
    private readonly MappedGuest[] _guests;

    private GuestSet(GuestMix mix, MappedGuest[] guests)
    {
        _mix = mix;
        _guests = guests;
    }

    /// <summary>The guests.</summary>
    public IReadOnlyList<MappedGuest> Guests => _guests;

    /// <summary>Pages that all guests have, as each has them.</summary>
    public int CommonPages => _mix.CommonPages;

    /// <summary>Pages that exact sharing saves.</summary>
    public long BestSavedPages => _mix.BestSavedPages;

    /// <summary>Makes the guests and writes every page of them.</summary>
    /// <param name="make">Makes an empty guest, given its name and bytes.</param>
    /// <param name="mix">Of what.</param>
    /// <param name="stop">Ends it between two guests.</param>
    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    public static GuestSet Create(
        Func<string, long, MappedGuest> make, GuestMix mix, CancellationToken stop = default)
    {
        var guests = new MappedGuest[mix.Guests];
        for (var i = 0; i < guests.Length; i++)
        {
            stop.ThrowIfCancellationRequested();
            guests[i] = make($"guest-{i}", (long)mix.PagesPerGuest * PageSize.Bytes);
            Fill(guests[i].Pointer, i, mix);
        }

        return new GuestSet(mix, guests);
    }

    /// <summary>The page number of common page <paramref name="index"/>, counted as they lie in the guest.</summary>
    public int PageOfCommon(int index) => (index / _mix.RunPages * 2 * _mix.RunPages) + (index % _mix.RunPages);

    /// <summary>First byte of a page.</summary>
    // SAFETY: callers name pages of the guest, which lives until its engine is disposed.
    public byte* PageAt(int guest, int page) => _guests[guest].Pointer + ((long)page * PageSize.Bytes);

    /// <summary>Writes every page of a guest.</summary>
    /// <param name="memory">The guest's, with the mix's pages.</param>
    /// <param name="number">Which guest it is.</param>
    /// <param name="mix">Of what.</param>
    // SAFETY: the caller's memory has the mix's pages, of which every one is written, and no other.
    public static void Fill(byte* memory, int number, GuestMix mix)
    {
        foreach (var (filler, content) in ContentsOf(number, mix))
        {
            filler.Fill(memory, content);
            memory += PageSize.Bytes;
        }
    }

    /// <summary>How many pages do not hold what <see cref="Fill"/> has written.</summary>
    // SAFETY: as above, for reading.
    public static int CountWrong(byte* memory, int number, GuestMix mix)
    {
        using var expected = new PageBuffer(1);
        var wrong = 0;
        foreach (var (filler, content) in ContentsOf(number, mix))
        {
            filler.Fill(expected.Start, content);
            wrong += expected[0].SequenceEqual(new ReadOnlySpan<byte>(memory, PageSize.Bytes)) ? 0 : 1;
            memory += PageSize.Bytes;
        }

        return wrong;
    }

    /// <summary>What the pages of a guest hold, in their order.</summary>
    private static IEnumerable<(PageFiller Filler, ulong Content)> ContentsOf(int number, GuestMix mix)
    {
        var common = new PageFiller(mix.Seed);
        var own = new PageFiller(mix.Seed + 1 + (ulong)number);
        var runs = mix.PagesPerGuest / (2 * mix.RunPages);
        var order = new SeededRandom(mix.Seed + (ulong)number).Order(runs);
        for (var run = 0; run < runs; run++)
        {
            for (var i = 0; i < mix.RunPages; i++)
            {
                yield return (common, ((ulong)order[run] * (ulong)mix.RunPages) + (ulong)i);
            }

            for (var i = 0; i < mix.RunPages; i++)
            {
                yield return (own, ((ulong)run * (ulong)mix.RunPages) + (ulong)i);
            }
        }
    }
}

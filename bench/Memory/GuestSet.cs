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

    // SAFETY: the caller's memory has the mix's pages, of which every one is written, and no other.
    private static void Fill(byte* page, int number, GuestMix mix)
    {
        var common = new PageFiller(mix.Seed);
        var own = new PageFiller(mix.Seed + 1 + (ulong)number);
        var runs = mix.PagesPerGuest / (2 * mix.RunPages);
        var order = new SeededRandom(mix.Seed + (ulong)number).Order(runs);
        for (var run = 0; run < runs; run++)
        {
            page = FillRun(common, page, order[run], mix.RunPages);
            page = FillRun(own, page, run, mix.RunPages);
        }
    }

    private static byte* FillRun(PageFiller filler, byte* page, int run, int pages)
    {
        for (var i = 0; i < pages; i++)
        {
            filler.Fill(page, ((ulong)run * (ulong)pages) + (ulong)i);
            page += PageSize.Bytes;
        }

        return page;
    }
}

using PageShare.Benchmarks.Memory;
using PageShare.Memory;

namespace PageShare.Benchmarks.EndToEnd;

/// <summary>
/// Guests of which half of the pages are in each of them: runs of pages, as files are in page caches, in an order of
/// each guest's own. Runs that are common and runs that are not take turns, so that every shared run is a mapping of
/// its own.
/// </summary>
internal sealed unsafe class GuestSet
{
    private readonly FigureOptions _options;
    private readonly Guest[] _guests;

    private GuestSet(FigureOptions options, Guest[] guests)
    {
        _options = options;
        _guests = guests;
    }

    /// <summary>The guests.</summary>
    public IReadOnlyList<Guest> Guests => _guests;

    /// <summary>Pages that all guests have, as each has them.</summary>
    public int CommonPages => _options.PagesPerGuest / 2;

    /// <summary>Pages that exact sharing saves.</summary>
    public long BestSavedPages => (long)(_guests.Length - 1) * CommonPages;

    /// <summary>Makes the guests and writes every page of them.</summary>
    public static GuestSet Create(PageShareEngine engine, FigureOptions options, FaultMode mode)
    {
        var guests = new Guest[options.Guests];
        for (var i = 0; i < guests.Length; i++)
        {
            guests[i] = engine.CreateGuest(
                $"guest-{i}", (long)options.PagesPerGuest * PageSize.Bytes, new GuestOptions { FaultMode = mode });
            Fill(guests[i], i, options);
        }

        return new GuestSet(options, guests);
    }

    /// <summary>The page number of common page <paramref name="index"/>, counted as they lie in the guest.</summary>
    public int PageOfCommon(int index) =>
        (index / _options.RunPages * 2 * _options.RunPages) + (index % _options.RunPages);

    /// <summary>First byte of a page.</summary>
    // SAFETY: callers name pages of the guest, which lives until its engine is disposed.
    public byte* PageAt(int guest, int page) => _guests[guest].Pointer + ((long)page * PageSize.Bytes);

    private static void Fill(Guest guest, int number, FigureOptions options)
    {
        var common = new PageFiller(options.Seed);
        var own = new PageFiller(options.Seed + 1 + (ulong)number);
        var runs = options.PagesPerGuest / (2 * options.RunPages);
        var order = new SeededRandom(options.Seed + (ulong)number).Order(runs);
        var page = guest.Pointer;
        for (var run = 0; run < runs; run++)
        {
            page = FillRun(common, page, order[run], options.RunPages);
            page = FillRun(own, page, run, options.RunPages);
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

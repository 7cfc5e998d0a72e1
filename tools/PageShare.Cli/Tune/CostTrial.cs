using PageShare.Cli.Traces;
using PageShare.Cli.Tune.Simulation;
using PageShare.Platform;
using PageShare.Scan;

namespace PageShare.Cli.Tune;

/// <summary>
/// A small engine that does each thing that costs something in a pass of its own, so that the pass's CPU time is its
/// price. Guests are filled with numbers, which no other guest has unless it shall.
/// </summary>
internal sealed class CostTrial
{
    private const int LongRun = 64;

    // As many as the pacer saves up at a slow rate.
    private const int TurnPages = 64;

    private readonly PageShareEngine _engine;
    private readonly int _pages;
    private ulong _unique = 1UL << 32;

    private CostTrial(PageShareEngine engine, int pages)
    {
        _engine = engine;
        _pages = pages;
    }

    /// <summary>Measures with guests of so many pages.</summary>
    public static Costs Measure(FaultMode mode, int pages)
    {
        using PageShareEngine engine = PageShareEngine.Start(new EngineOptions
        {
            BackgroundScanning = false,
            FaultMode = mode,
            MaximumBreakPages = 1, // what a page costs that breaks alone: how guests write is not known here
        });
        return new CostTrial(engine, pages).Measure();
    }

    private Costs Measure()
    {
        double first, look, passOver, rehash, tracked;
        using (Guest own = _engine.CreateGuest("own", Bytes))
        {
            Fill(own, run: 0, _ => ++_unique);
            first = Pass();
            look = Pass();
            passOver = Pass();
            double marked = StoreToAll(own);
            tracked = marked - StoreToAll(own);
            rehash = Pass() - look;
            Pass();
        }

        Sharing longRuns = Share(LongRun, look, rehash);
        Sharing singles = Share(1, look, rehash);
        double zero = FreeZeroes(LongRun, look);
        double zeroSingles = FreeZeroes(1, look);
        double run = Math.Max(0, (singles.Merge - longRuns.Merge) / (1 - (1.0 / LongRun)));
        double merge = Math.Max(1, longRuns.Merge - (run / LongRun));
        return new Costs
        {
            PassOver = passOver,
            Look = look,
            LookAmongShared = Math.Max(look, longRuns.Look),
            Turn = longRuns.Turn,
            FirstHash = Math.Max(1, first - look),
            Rehash = Math.Max(1, rehash),
            Fill = Math.Max(1, longRuns.Fill),
            Merge = merge,
            MergeRun = run,
            Zero = zero,
            ZeroRun = Math.Max(0, zeroSingles - zero),
            Break = (longRuns.Break + singles.Break) / 2,
            Settle = Math.Max(0, longRuns.Settle),
            TrackedStore = Math.Max(0, tracked),
        };
    }

    private long Bytes => (long)_pages * Quantity.PageBytes;

    /// <summary>Three guests with equal pages in runs; the third comes when the frames are there already.</summary>
    private Sharing Share(int run, double look, double rehash)
    {
        const int Guests = 3;
        ulong common = _unique + 1;
        _unique += (ulong)_pages;
        using Guest one = _engine.CreateGuest("one", Bytes);
        using Guest two = _engine.CreateGuest("two", Bytes);
        Fill(one, run, page => common + page);
        Fill(two, run, page => common + page);
        Pass();
        double pairs = (Pass() - (2 * look)) * 2; // half of the pages of each
        Settle();
        using Guest three = _engine.CreateGuest("three", Bytes);
        Fill(three, run, page => common + page);
        Pass();
        double merge = (Pass() - look) * 2;
        Settle();

        // A store to one page of a stretch has all of it looked at.
        TouchStretches();
        double shared = (Pass() - (rehash * Guests / GuestPages.ChunkPages)) / Guests;
        Settle();
        TouchStretches();
        double turns = (PassInTurns() - (shared * Guests)) * _pages;
        double turn = Math.Max(0, turns / ((double)_pages * Guests / TurnPages));
        Settle();

        // Only the shared half is stored to, and hashed again then.
        double breaks = Time(_pages / 2, () => StoreTo(three, page => IsCommon(page, run)));
        double settle = ((Pass() - shared) * 2) - rehash;
        return new Sharing(merge, pairs - (2 * merge), shared, turn, breaks, settle);
    }

    /// <summary>A guest with runs of zero pages: what freeing one of these costs.</summary>
    private double FreeZeroes(int run, double look)
    {
        using Guest zeroes = _engine.CreateGuest("zeroes", Bytes);
        Fill(zeroes, run, _ => 0UL);
        Pass();
        return Math.Max(1, (Pass() - look) * 2);
    }

    /// <summary>Passes until nothing is left to do.</summary>
    private void Settle()
    {
        const int Most = 4;
        for (int pass = 0; pass < Most && _engine.ScanOnce().PagesMerged > 0; pass++)
        {
            // Hashes that are new are stable by the next one.
        }

        _engine.ScanOnce();
    }

    /// <summary>A pass; nanoseconds of CPU for each page of one guest.</summary>
    private double Pass() => _engine.ScanOnce().CpuTime.TotalNanoseconds / _pages;

    /// <summary>The same in turns of few pages, as a slow background scanner goes about it.</summary>
    private double PassInTurns()
    {
        double nanoseconds = 0;
        ScanPass pass = _engine.Scanner.BeginPass();
        for (bool isMore = true; isMore;)
        {
            isMore = pass.Step(TurnPages, out _, out long spent);
            nanoseconds += spent;
        }

        _engine.Scanner.EndPass();
        return nanoseconds / _pages;
    }

    private void TouchStretches()
    {
        foreach (Guest guest in _engine.Guests)
        {
            StoreTo(guest, page => page % GuestPages.ChunkPages == GuestPages.ChunkPages - 1);
        }
    }

    /// <summary>
    /// Fills a guest: stretches of <paramref name="run"/> pages with given numbers, and as many of its own, in turn;
    /// none of the former if it is 0.
    /// </summary>
    private void Fill(Guest guest, int run, Func<ulong, ulong> common)
    {
        for (int page = 0; page < _pages; page++)
        {
            bool isCommon = IsCommon(page, run);
            NumberedPage.Fill(PageAt(guest, page), isCommon ? common((ulong)page) : ++_unique);
        }
    }

    private static bool IsCommon(int page, int run) => run > 0 && page / run % 2 == 0;

    private double StoreToAll(Guest guest) => Time(_pages, () => StoreTo(guest, _ => true));

    private void StoreTo(Guest guest, Func<int, bool> isWanted)
    {
        for (int page = 0; page < _pages; page++)
        {
            if (isWanted(page))
            {
                PageAt(guest, page)[0]++;
            }
        }
    }

    private static double Time(int pages, Action action)
    {
        long began = Shim.ThreadCpuNanoseconds();
        action();
        return (double)(Shim.ThreadCpuNanoseconds() - began) / pages;
    }

    private static Span<byte> PageAt(Guest guest, int page) =>
        guest.AsSpan((long)page * Quantity.PageBytes, Quantity.PageBytes);

    /// <summary>What sharing cost with runs of one length.</summary>
    /// <param name="Merge">Merging a page with a frame.</param>
    /// <param name="Fill">Making a frame of it.</param>
    /// <param name="Look">Looking at it when it is shared.</param>
    /// <param name="Turn">Each turn of looking.</param>
    /// <param name="Break">A store to it.</param>
    /// <param name="Settle">Finding that out.</param>
    private readonly record struct Sharing(double Merge, double Fill, double Look, double Turn, double Break, double Settle);
}

using PageShare.Cli.Traces;
using PageShare.Cli.Tune.Simulation;
using PageShare.Platform;

namespace PageShare.Cli.Tune;

/// <summary>
/// What guests do while costs are measured: each of the scanner's tasks is most of the work in some pass, and a mixture
/// like that of real guests has all of them in short runs.
/// </summary>
/// <param name="mode">Fault mode of the guests.</param>
/// <param name="pages">Pages of each guest.</param>
/// <param name="caches">Taken away before each pass.</param>
internal sealed class CostTrials(FaultMode mode, int pages, ColdCaches caches)
{
    private const int Seed = 1;
    private const int ShortRun = 4;
    private const int LongRun = 64;
    private const int Neighbours = 16;
    private const int MixedRounds = 12;
    private const int MixedFiles = 40;

    private readonly List<ScanSample> _passes = [];
    private int _unique = FirstUnique(pages);

    /// <summary>The passes, in order.</summary>
    public IReadOnlyList<ScanSample> Passes => _passes;

    /// <summary>A store to a shared page.</summary>
    public double Break { get; private set; }

    /// <summary>Each page more that it breaks.</summary>
    public double BreakAhead { get; private set; }

    /// <summary>A first store to a page after a pass, less another.</summary>
    public double TrackedStore { get; private set; }

    /// <summary>A run that the scanner unshares.</summary>
    public double Unshare { get; private set; }

    /// <summary>Each page of it.</summary>
    public double UnsharePage { get; private set; }

    /// <summary>A mapping of the process, when they are counted.</summary>
    public double CountMapping { get; private set; }

    /// <summary>Whether the kernel tells at once of pages that it copies, in mode Kernel.</summary>
    public bool TellsOfCopies { get; private set; }

    /// <summary>Does all of it.</summary>
    public void Run()
    {
        RunUnshared();
        RunMixed();
        RunZeroes(1);
        RunZeroes(LongRun);
        RunShared(ShortRun);
        (double single, _) = RunShared(1);
        (double run, double runBreak) = RunShared(LongRun);
        UnsharePage = Math.Max(0, (run - single) / (LongRun - 1));
        Unshare = Math.Max(0, single - UnsharePage);
        BreakAhead = runBreak;
    }

    private static int FirstUnique(int pages) => 2 * pages;

    /// <summary>Nothing is equal: hashing, looking, and passing over.</summary>
    private void RunUnshared()
    {
        using CostTrial trial = Begin();
        Scan(trial, 2); // all of it holes
        for (int page = 0; page < pages; page += 2)
        {
            trial.Store(2, page, ++_unique);
        }

        Scan(trial, 3);
        Everywhere(trial, page => ++_unique);
        Scan(trial, 4);
        int[] all = [.. Enumerable.Range(0, pages)];
        double marked = trial.TimeStores(0, all, _ => ++_unique);
        TrackedStore = Math.Max(0, (marked - trial.TimeStores(0, all, _ => ++_unique)) / pages);
        Scan(trial, 3);
        foreach (int page in all.Where(page => page % GuestPages.ChunkPages == 1))
        {
            trial.Store(1, page, ++_unique);
        }

        Scan(trial, 3);
    }

    /// <summary>Zero pages in runs, and some of them written again.</summary>
    private void RunZeroes(int run)
    {
        using CostTrial trial = Begin();
        Everywhere(trial, page => IsCommon(page, run) ? Contents.Zero : ++_unique);
        Scan(trial, 3);
        for (int page = 0; page < pages; page += LongRun)
        {
            trial.Store(0, page, ++_unique);
        }

        Scan(trial, 3);
    }

    /// <summary>Pages that are equal in all guests, in runs.</summary>
    /// <returns>Nanoseconds for each run that is unshared, and for each page that breaks beside the one stored
    /// to.</returns>
    private (double Unshare, double BreakAhead) RunShared(int run)
    {
        using CostTrial trial = Begin();
        for (int guest = 0; guest < CostTrial.Guests; guest++)
        {
            FillShared(trial, guest, run);
            Scan(trial, guest == 0 ? 0 : 3); // the third comes when the frames are there
        }

        Scan(trial, 2);
        if (run == 1)
        {
            CountMapping = TimeCounting();
        }

        // A store in each stretch, then to all shared pages of a guest.
        for (int page = run; page < pages; page += GuestPages.ChunkPages)
        {
            trial.Store(1, page, ++_unique);
        }

        Scan(trial, 2);
        int[] shared = [.. Enumerable.Range(0, pages).Where(page => IsCommon(page, run))];
        (int faults, int broken) = (trial.Faults, trial.Broken);
        double stores = trial.TimeStores(2, shared, _ => ++_unique);
        (faults, broken) = (trial.Faults - faults, trial.Broken - broken);
        Break = run == 1 ? stores / faults : Break;
        double ahead = broken > faults ? Math.Max(0, (stores - (Break * faults)) / (broken - faults)) : 0;
        Scan(trial, 3);
        int[] starts = [.. shared.Where(page => page % run == 0)];
        return (trial.TimeUnsharing(0, starts, run) / starts.Length, ahead);
    }

    /// <summary>A bit of everything in short runs, and some of it changes before each pass.</summary>
    private void RunMixed()
    {
        var random = new Random(Seed);
        using CostTrial trial = Begin();
        for (int guest = 0; guest < CostTrial.Guests; guest++)
        {
            StoreMixed(trial, random, guest, 0, pages, longest: LongRun / 2);
        }

        Scan(trial, 4);
        for (int round = 0; round < MixedRounds; round++)
        {
            // One group of neighbours in fifty.
            for (int group = random.Next(100); group < pages * CostTrial.Guests / Neighbours; group += 1 + random.Next(100))
            {
                int first = group * Neighbours;
                StoreMixed(trial, random, first / pages, first % pages, Neighbours, longest: Neighbours / 2);
            }

            Scan(trial, 1);
        }

        Scan(trial, 3);
    }

    private void StoreMixed(CostTrial trial, Random random, int guest, int first, int count, int longest)
    {
        for (int page = first; page < first + count;)
        {
            int end = Math.Min(first + count, page + 1 + random.Next(longest));
            int kind = random.Next(10);
            int file = random.Next(MixedFiles) * LongRun;
            for (int i = 0; page < end; page++, i++)
            {
                int content = kind < 2 ? Contents.Zero : kind < 6 ? 1 + file + i : ++_unique;
                if (kind < 9)
                {
                    trial.Store(guest, page, content); // else left as it is
                }
            }
        }
    }

    private CostTrial Begin()
    {
        _unique = FirstUnique(pages);
        var trial = new CostTrial(
            mode, pages, caches, (counts, nanoseconds) => _passes.Add(new ScanSample(counts, nanoseconds)));
        TellsOfCopies = trial.TellsOfCopies;
        return trial;
    }

    private static void Scan(CostTrial trial, int passes)
    {
        for (int pass = 0; pass < passes; pass++)
        {
            trial.Pass();
        }
    }

    private static bool IsCommon(int page, int run) => page / run % 2 == 0;

    private static double TimeCounting()
    {
        IPlatform platform = HostPlatform.Create();
        long began = Shim.ThreadCpuNanoseconds();
        long mappings = platform.CountMappings();
        return (double)(Shim.ThreadCpuNanoseconds() - began) / mappings;
    }

    private void FillShared(CostTrial trial, int guest, int run)
    {
        for (int page = 0; page < pages; page++)
        {
            trial.Store(guest, page, IsCommon(page, run) ? 1 + page : ++_unique);
        }
    }

    private void Everywhere(CostTrial trial, Func<int, int> contentOf)
    {
        for (int guest = 0; guest < CostTrial.Guests; guest++)
        {
            for (int page = 0; page < pages; page++)
            {
                trial.Store(guest, page, contentOf(page));
            }
        }
    }
}

/// <summary>A pass: how often it did each task, and its nanoseconds of CPU.</summary>
internal readonly record struct ScanSample(long[] Counts, double Nanoseconds);

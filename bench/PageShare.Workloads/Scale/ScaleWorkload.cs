using PageShare.Cli;
using PageShare.Cli.Run;
using PageShare.Cli.Tune;
using PageShare.Memory;
using PageShare.Metrics;
using PageShare.Workloads.Guests;
using PageShare.Workloads.Reporting;

namespace PageShare.Workloads.Scale;

/// <summary>What was asked for.</summary>
/// <param name="Mebibytes">Sizes of all guests together, ascending.</param>
/// <param name="FaultMode">How stores to shared pages are caught.</param>
/// <param name="Seed">Of contents and orders.</param>
internal sealed record ScaleOptions(IReadOnlyList<int> Mebibytes, FaultMode FaultMode, ulong Seed);

/// <summary>Guests of growing size: how the time of a pass, of converging, and the bookkeeping grow.</summary>
internal sealed class ScaleWorkload(ScaleOptions options, Action<string> progress)
{
    private const int Guests = 4;
    private const int MostMebibytesOfOne = 8 << 10;

    // Long runs, so that the largest size still fits into the usual limit of mappings.
    private const int RunPages = 512;

    private const int ManyMappings = 10_000;

    private const int SlightlyWritten = 100; // one of so many
    private const int Rounds = 5;
    private const int FirstPasses = 3;

    private readonly ColdCaches _caches = new();

    /// <summary>Runs it.</summary>
    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    public ScaleResult Run(CancellationToken stop)
    {
        Measure(64, Guests, RunPages, quiet: true, stop); // has the code compiled
        var figures = new List<ScaleFigures>();
        var notes = new List<string>();
        foreach (var size in options.Mebibytes)
        {
            if (MemoryNeed.Refuses((long)size << 20) is { } reason)
            {
                notes.Add($"Left out {Quantity.Bytes((double)size * (1 << 20))}: {reason}");
                progress(notes[^1]);
                continue;
            }

            figures.Add(Measure(size, Guests, RunPages, quiet: false, stop));
        }

        var most = (int)Math.Min(MostMebibytesOfOne, figures.Count == 0 ? 0 : figures[^1].Mebibytes);
        var manyMappings = most == 0 ? null : Measure(most, Guests, RunsFor(most), quiet: false, stop);
        var unshared = most == 0 ? null : MeasureUnshared(most, stop);
        return new ScaleResult
        {
            FaultMode = options.FaultMode,
            Sizes = figures,
            ManyMappings = manyMappings,
            Unshared = unshared,
            Bars = ScaleResult.Judge(figures, manyMappings, unshared),
            Notes = notes,
        };
    }

    /// <summary>Pages of a run with which guests of a size take about ten thousand mappings: half of their runs are shared,
    /// and each of those takes a mapping and ends another.</summary>
    private static int RunsFor(int mebibytes) => (int)(((long)mebibytes << 20) / PageSize.Bytes / ManyMappings);

    /// <summary>One guest, several times: that whose first pass is the median.</summary>
    private ScaleFigures MeasureUnshared(int mebibytes, CancellationToken stop)
    {
        var times = new List<ScaleFigures>();
        while (times.Count < FirstPasses)
        {
            times.Add(Measure(mebibytes, guests: 1, RunPages, quiet: false, stop));
        }

        return Percentile.MedianBy(times, static time => time.First.CpuSeconds / time.HashNanosecondsPerPage);
    }

    private ScaleFigures Measure(int mebibytes, int guests, int runPages, bool quiet, CancellationToken stop)
    {
        using var host = GuestHosts.Start(
            new EngineOptions { BackgroundScanning = false, FaultMode = options.FaultMode });
        var mix = GuestMix.Of(guests, (long)mebibytes << 20, runPages, options.Seed);
        if (!quiet)
        {
            progress($"{Quantity.Bytes(mix.TotalBytes)}: filling");
        }

        var set = GuestSet.Create((name, bytes) => host.Create(name, bytes, options.FaultMode), mix, stop);
        var hashes = new List<double> { HashSpeed.NanosecondsPerPage(set.Guests[0]) };
        var firstMarks = KernelMarks.TakeSeconds(set.Guests);
        WriteAll(set); // so that the first pass finds them marked
        if (!quiet)
        {
            progress($"{Quantity.Bytes(mix.TotalBytes)}: converging");
        }

        var passes = host.Converge(stop);
        var work = passes[..(passes.FindLastIndex(static pass => pass.PagesMerged > 0) + 1)];
        var totals = host.Snapshot().Totals;
        var first = new PassCost(passes[0].CpuTime.TotalSeconds, firstMarks);
        var unwritten = MedianPass(host, set, static () => { }, hashes, stop);
        var slight = MedianPass(host, set, () => WriteSlightly(set, runPages), hashes, stop);
        return new ScaleFigures
        {
            Mebibytes = mix.TotalBytes >> 20,
            Pages = totals.PagesPopulated,
            RunPages = guests == 1 ? null : runPages,
            HashNanosecondsPerPage = Percentile.MedianBy(hashes, static nanoseconds => nanoseconds),
            FirstPassSeconds = passes[0].Elapsed.TotalSeconds,
            First = first,
            ConvergeSeconds = work.Sum(static pass => pass.Elapsed.TotalSeconds),
            ConvergeCpuSeconds = work.Sum(static pass => pass.CpuTime.TotalSeconds),
            Quiet = unwritten,
            Slight = slight,
            ShareOfOptimum = mix.BestSavedPages == 0
                ? null
                : (double)totals.SavedBytes / PageSize.Bytes / mix.BestSavedPages,
            MetadataBytesPerPage = PerPage(totals.MetadataBytes, totals),
            KernelTableBytesPerPage = PerPage(totals.KernelTableBytes, totals),
            MappingsUsed = totals.MappingsUsed,
        };
    }

    private static double PerPage(long bytes, CounterSet totals) => (double)bytes / totals.PagesPopulated;

    /// <summary>Passes after the same writes, with cold caches, as a scanner has them that sleeps in between. In turn with
    /// each: the kernel's marks of these writes alone, and hashing a guest.</summary>
    private PassCost MedianPass(
        IGuestHost host, GuestSet set, Action write, List<double> hashes, CancellationToken stop)
    {
        var passes = new double[Rounds];
        var marks = new double?[Rounds];
        for (var round = 0; round < Rounds; round++)
        {
            hashes.Add(HashSpeed.NanosecondsPerPage(set.Guests[round % set.Guests.Count]));
            write();
            _caches.Take();
            marks[round] = KernelMarks.TakeSeconds(set.Guests);
            write();
            _caches.Take();
            passes[round] = host.ScanOnce(stop).CpuTime.TotalSeconds;
            _ = host.ScanOnce(stop); // has its second look at what was written
            stop.ThrowIfCancellationRequested();
        }

        return new PassCost(
            Percentile.MedianBy(passes, static seconds => seconds),
            Percentile.MedianBy(marks, static seconds => seconds ?? 0));
    }

    /// <summary>Gives one page in a hundred another content, of the half that guests do not have in common.</summary>
    private static void WriteSlightly(GuestSet set, int runPages)
    {
        foreach (var guest in set.Guests)
        {
            // Behind each common run lies one of the guest's own: half of all pages, so each fiftieth of these.
            var others = guest.Length / PageSize.Bytes / 2;
            for (var other = 0L; other < others; other += SlightlyWritten / 2)
            {
                var page = (((2 * (other / runPages)) + 1) * runPages) + (other % runPages);
                guest.AsSpan(page * PageSize.Bytes, PageSize.Bytes)[PageSize.Bytes / 2]++;
            }
        }
    }

    /// <summary>Writes what is there to every page.</summary>
    private static void WriteAll(GuestSet set)
    {
        foreach (var guest in set.Guests)
        {
            for (var offset = 0L; offset < guest.Length; offset += PageSize.Bytes)
            {
                ref var first = ref guest.AsSpan(offset, 1)[0];
                Volatile.Write(ref first, Volatile.Read(ref first));
            }
        }
    }
}

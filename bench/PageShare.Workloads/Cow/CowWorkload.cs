using PageShare.Workloads.Reporting;

namespace PageShare.Workloads.Cow;

/// <summary>Breaks shared pages with one to four writers, page after page and at random, in both fault modes, in KSM's
/// hands, and beside them the floor: first touches of anonymous memory.</summary>
internal sealed unsafe class CowWorkload(CowOptions options, Action<string> progress)
{
    private delegate CowMemory Maker(int pages, CancellationToken stop);

    /// <summary>Runs it.</summary>
    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    public CowResult Run(CancellationToken stop)
    {
        var engines = new List<(string Name, Maker Make)>
        {
            (CowResult.FirstTouch, static (pages, _) => new UntouchedMemory(pages)),
        };
        var whyNoKsm = KsmSettings.WhyNot;
        if (whyNoKsm is null)
        {
            engines.Add((CowResult.Ksm, static (pages, stop) => new KsmMemory(pages, stop)));
        }

        Maker Ours(EngineOptions settings) =>
            (pages, stop) => new SharedGuestMemory(pages, settings, options.Seed, stop);
        var kernel = new EngineOptions { FaultMode = FaultMode.Kernel };
        var signal = new EngineOptions { FaultMode = FaultMode.Signal };
        signal = signal with { MaximumBreakPages = options.BreakPages ?? signal.MaximumBreakPages };
        engines.Add((CowResult.KernelMode, Ours(kernel)));
        engines.Add((CowResult.UncountedKernelMode, Ours(kernel with { CountBreaksAtOnce = false })));
        engines.Add((CowResult.SignalMode, Ours(signal)));
        engines.Add((CowResult.LoneSignalMode, Ours(signal with { MaximumBreakPages = 1 })));

        var measurements = new List<CowMeasurement>();
        foreach (var (name, make) in engines)
        {
            try
            {
                measurements.AddRange(MeasureAll(name, make, stop));
            }
            catch (TimeoutException late) when (name == CowResult.Ksm)
            {
                // On a busy machine; ours are worth having all the same.
                whyNoKsm = late.Message;
            }
        }

        return new CowResult
        {
            Pages = options.Pages,
            Repetitions = options.Repetitions,
            Measurements = measurements,
            Bars = CowResult.Judge(measurements),
            Notes = whyNoKsm is null ? [] : [$"Without KSM: {whyNoKsm}"],
        };
    }

    private List<CowMeasurement> MeasureAll(string name, Maker make, CancellationToken stop)
    {
        // Once for the compiler: a store's code is warm after some hundred faults.
        Measure(make, CowResult.Sequential, 1, Math.Min(512, options.Pages), stop);
        var measurements = new List<CowMeasurement>();
        foreach (var order in (string[])[CowResult.Sequential, CowResult.Random])
        {
            for (var writers = 1; writers <= options.MostWriters; writers++)
            {
                progress($"{name}, {order}, {writers} {(writers == 1 ? "writer" : "writers")}");
                measurements.Add(new CowMeasurement(name, order, writers, Median(make, order, writers, stop)));
            }
        }

        return measurements;
    }

    private CowFigures Median(Maker make, string order, int writers, CancellationToken stop)
    {
        var all = new List<CowFigures>();
        for (var i = 0; i < options.Repetitions; i++)
        {
            all.Add(Measure(make, order, writers, options.Pages, stop));
        }

        return Percentile.MedianBy(all, static figures => figures.CpuNanosecondsPerPage);
    }

    private CowFigures Measure(Maker make, string order, int writers, int pages, CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        using var memory = make(pages, stop);
        int[] indices = order == CowResult.Sequential
            ? [.. Enumerable.Range(0, pages)]
            : new SeededRandom(options.Seed).Order(pages);
        // SAFETY: the memory lives until the writers have ended.
        return BreakingWriters.Measure(memory.PagesAt(indices), writers);
    }
}

using System.Diagnostics;
using PageShare.Benchmarks.Memory;
using PageShare.Metrics;

namespace PageShare.Benchmarks.EndToEnd;

/// <summary>
/// A guest thread that stores to pages while they are being merged, and so meets seals: how often, and for how long it
/// waits.
/// </summary>
/// <param name="engine">The engine, with nobody else using it.</param>
/// <param name="set">Its guests.</param>
/// <param name="options">The seed.</param>
internal sealed unsafe class SealProbe(PageShareEngine engine, GuestSet set, FigureOptions options)
{
    private const int MostPasses = 5;

    private volatile bool _stopping;
    private long _stores;
    private long _slowestTicks;

    /// <summary>Unshares everything and merges it again with the writer at work.</summary>
    public SealWaits Measure()
    {
        engine.UnshareAll();
        engine.ScanOnce(); // learns hashes
        var before = engine.Snapshot().Totals.SealWaits;
        var writer = new Thread(Write) { IsBackground = true, Name = "writer" };
        writer.Start();
        try
        {
            for (var pass = 0; pass < MostPasses && engine.ScanOnce().PagesMerged == 0; pass++)
            {
            }
        }
        finally
        {
            _stopping = true;
            writer.Join();
        }

        var totals = engine.Snapshot().Totals;
        return new SealWaits(
            totals.SealWaits - before, totals.SealWaitNanoseconds, _stores,
            (long)(_slowestTicks * (1e9 / Stopwatch.Frequency)));
    }

    /// <summary>Stores what is there already, so that pages stay equal and are merged around the writer.</summary>
    private void Write()
    {
        var random = new SeededRandom(options.Seed);
        while (!_stopping)
        {
            var page = set.PageAt((int)random.Below(options.Guests), set.PageOfCommon((int)random.Below(set.CommonPages)));
            var began = Stopwatch.GetTimestamp();
            Volatile.Write(ref page[PageFiller.MarkOffset], PageFiller.Mark);
            _slowestTicks = Math.Max(_slowestTicks, Stopwatch.GetTimestamp() - began);
            _stores++;
        }
    }
}

/// <summary>What a writer met.</summary>
/// <param name="Count">Waits for a seal.</param>
/// <param name="Nanoseconds">How long they were, by the fault handler.</param>
/// <param name="Stores">Stores in all, breaks among them.</param>
/// <param name="SlowestStoreNanoseconds">The slowest of all, by the guest: it may have been off the processor.</param>
internal sealed record SealWaits(long Count, LatencySummary Nanoseconds, long Stores, long SlowestStoreNanoseconds);

using System.Diagnostics;
using PageShare.Cli.Tune;
using PageShare.Cli.Tune.Simulation;
using PageShare.Memory;
using PageShare.Metrics;

namespace PageShare.Benchmarks.Traces;

/// <summary>What a real engine did on a trace.</summary>
/// <param name="MeanNetBytes">Saved less all tables, averaged over time.</param>
/// <param name="MeanSavedBytes">Saved, averaged over time.</param>
/// <param name="ScannerCpuPercent">Of one core.</param>
/// <param name="Breaks">Stores to shared pages.</param>
internal sealed record Measured(double MeanNetBytes, double MeanSavedBytes, double ScannerCpuPercent, long Breaks);

/// <summary>A real engine whose background thread scans in real time while guests do what a trace did.</summary>
internal sealed class EngineReplay : IDisposable
{
    private const int Samples = 240;
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(5);

    private readonly ChangeSchedule _schedule;
    private readonly PageShareEngine _engine;
    private readonly Guest[] _guests;
    private int _next;

    private EngineReplay(ChangeSchedule schedule, EngineOptions options)
    {
        _schedule = schedule;
        _engine = PageShareEngine.Start(options);
        _engine.Pause();
        _guests =
        [
            .. schedule.Trace.Pages.Select((pages, i) => _engine.CreateGuest(
                schedule.Trace.Guests[i], (long)pages * PageSize.Bytes)),
        ];
    }

    /// <summary>Runs it, for as long as the trace took and an interval more.</summary>
    public static Measured Run(ChangeSchedule schedule, EngineOptions options)
    {
        using var replay = new EngineReplay(schedule, options);
        return replay.Run();
    }

    /// <inheritdoc/>
    public void Dispose() => _engine.Dispose();

    private Measured Run()
    {
        StoreUntil(TimeSpan.Zero);
        double before = _engine.Snapshot().Totals.ScanCpuSeconds;
        var samples = new List<CounterSet>();
        var clock = Stopwatch.StartNew();
        _engine.Resume();
        TimeSpan interval = _schedule.Duration / Samples;
        while (clock.Elapsed < _schedule.Duration)
        {
            StoreUntil(clock.Elapsed);
            if (clock.Elapsed >= interval * samples.Count)
            {
                samples.Add(_engine.Snapshot().Totals);
            }

            Thread.Sleep(Tick);
        }

        CounterSet end = _engine.Snapshot().Totals;
        return new Measured(
            samples.Average(sample => (double)sample.NetSavedBytes),
            samples.Average(sample => (double)sample.SavedBytes),
            (end.ScanCpuSeconds - before) / clock.Elapsed.TotalSeconds * 100,
            end.CowFaults + end.PagesBrokenAhead);
    }

    private void StoreUntil(TimeSpan time)
    {
        for (; _next < _schedule.Stores.Length && _schedule.Stores[_next].At <= time.Ticks; _next++)
        {
            PageStore store = _schedule.Stores[_next];
            Span<byte> page = _guests[store.Guest].AsSpan((long)store.Page * PageSize.Bytes, PageSize.Bytes);
            NumberedPage.Fill(page, (ulong)store.Content);
        }
    }
}

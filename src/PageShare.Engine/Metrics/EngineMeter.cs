using System.Diagnostics.Metrics;
using System.Text.Json;

namespace PageShare.Metrics;

/// <summary>
/// An engine's counters as instruments of a meter named <c>PageShare</c>, for dotnet-counters and OpenTelemetry.
/// </summary>
/// <remarks>
/// <para>
/// Instruments are called <c>pageshare_</c> and the counter's name in snake case. What a guest can be charged with has
/// one measurement per guest, tagged <c>domain</c> and <c>guest</c>, and none for the total, which backends would add
/// to its own parts. What only the engine as a whole has (tables, mappings, passes, ratios, latencies) has one
/// measurement without tags. Latencies are tagged <c>quantile</c>: 0.5, 0.99 and 1. Counters of a guest that is gone
/// end with it.
/// </para>
/// <para>
/// A collection asks every instrument in turn, but a snapshot looks at every guest: so one snapshot serves all
/// callbacks of a quarter of a second. Thread-safe. <see cref="Dispose"/> waits for a snapshot under way, so do not
/// call it with a lock held that snapshots take.
/// </para>
/// </remarks>
internal sealed class EngineMeter : IDisposable
{
    /// <summary>The meter's name.</summary>
    public const string MeterName = "PageShare";

    /// <summary>
    /// How long one snapshot answers callbacks: longer than a collection, shorter than the time between two.
    /// </summary>
    public static readonly TimeSpan SnapshotLifetime = TimeSpan.FromMilliseconds(250);

    private readonly Meter _meter = new(MeterName);
    private readonly Lock _lock = new();
    private readonly TimeProvider _time;
    private readonly Func<EngineSnapshot> _takeSnapshot;

    // Both guarded by _lock.
    private EngineSnapshot? _snapshot;
    private long _takenAt;
    private bool _disposed;

    /// <param name="takeSnapshot">Called for a new snapshot, by the thread that collects.</param>
    /// <param name="time">The clock; null for the system's.</param>
    public EngineMeter(Func<EngineSnapshot> takeSnapshot, TimeProvider? time = null)
    {
        _takeSnapshot = takeSnapshot;
        _time = time ?? TimeProvider.System;
        CreateGuestInstruments();
        CreateEngineInstruments();
    }

    /// <summary>Takes the instruments away. Afterwards nothing asks for a snapshot any more.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            _snapshot = null;
        }

        _meter.Dispose();
    }

    private void CreateGuestInstruments()
    {
        GuestGauge(nameof(CounterSet.PagesTotal), "{page}", "Pages of the guest's memory.", c => c.PagesTotal);
        GuestGauge(nameof(CounterSet.PagesPopulated), "{page}", "Pages ever written.", c => c.PagesPopulated);
        GuestGauge(nameof(CounterSet.ZeroPages), "{page}", "Zero pages without memory.", c => c.ZeroPages);
        GuestGauge(nameof(CounterSet.PagesShared), "{page}", "Frames mapped.", c => c.PagesShared);
        GuestGauge(nameof(CounterSet.PagesSharing), "{page}", "Pages on frames beyond the first.", c => c.PagesSharing);
        GuestGauge(nameof(CounterSet.PagesUnshared), "{page}", "Pages without an equal.", c => c.PagesUnshared);
        GuestGauge(nameof(CounterSet.PagesVolatile), "{page}", "Pages that change too often.", c => c.PagesVolatile);
        GuestGauge(nameof(CounterSet.ResidentBytes), "By", "Memory in use.", c => c.ResidentBytes);
        GuestGauge(nameof(CounterSet.SavedBytes), "By", "Populated less resident memory.", c => c.SavedBytes);
        GuestGauge(nameof(CounterSet.MappedBytes), "By", "Populated memory.", c => c.MappedBytes);
        GuestGauge(nameof(CounterSet.ConsumedBytes), "By", "Memory charged, frames by 1/n.", c => c.ConsumedBytes);
        GuestGauge(nameof(CounterSet.ActiveBytes), "By", "Memory written lately.", c => c.ActiveBytes);
        GuestGauge(nameof(CounterSet.CowFaultsPerSecond), "{fault}/s", "Breaks lately.", c => c.CowFaultsPerSecond);

        GuestCounter(nameof(CounterSet.PagesScanned), "{page}", "Pages scanned.", c => c.PagesScanned);
        GuestCounter(nameof(CounterSet.OrdersLate), "{order}", "Orders not answered in time.", c => c.OrdersLate);
        GuestCounter(nameof(CounterSet.Merges), "{page}", "Pages merged.", c => c.Merges);
        GuestCounter(nameof(CounterSet.MergesAbandoned), "{page}", "Pages sealed in vain.", c => c.MergesAbandoned);
        GuestCounter(nameof(CounterSet.HashCollisions), "{page}", "Equal hash, other bytes.", c => c.HashCollisions);
        GuestCounter(nameof(CounterSet.SealWaits), "{fault}", "Stores that waited for a seal.", c => c.SealWaits);
        GuestCounter(nameof(CounterSet.CowFaults), "{fault}", "Stores that broke sharing.", c => c.CowFaults);
        GuestCounter(nameof(CounterSet.PagesBrokenAhead), "{page}", "Pages broken ahead.", c => c.PagesBrokenAhead);
        GuestCounter(nameof(CounterSet.BreaksStalled), "{fault}", "Breaks that waited.", c => c.BreaksStalled);
    }

    private void CreateEngineInstruments()
    {
        EngineGauge(nameof(CounterSet.SharingRatio), "1", "Saved by populated memory.", c => c.SharingRatio);
        EngineGauge(nameof(CounterSet.NetSavedBytes), "By", "Saved less PageShare's own.", c => c.NetSavedBytes);
        EngineGauge(nameof(CounterSet.MetadataBytes), "By", "PageShare's own tables.", c => c.MetadataBytes);
        EngineGauge(nameof(CounterSet.KernelTableBytes), "By", "Kernel tables of sharing.", c => c.KernelTableBytes);
        EngineGauge(nameof(CounterSet.OvercommitFactor), "1", "Guests by host memory.", c => c.OvercommitFactor);
        EngineGauge(nameof(CounterSet.ScanPagesPerSecond), "{page}/s", "Scanned lately.", c => c.ScanPagesPerSecond);
        EngineGauge(nameof(CounterSet.MappingsUsed), "{mapping}", "Mappings in use.", c => c.MappingsUsed);
        EngineGauge(nameof(CounterSet.MappingsLimit), "{mapping}", "Mappings allowed.", c => c.MappingsLimit);

        EngineCounter(nameof(CounterSet.FullScans), "{pass}", "Full passes.", c => c.FullScans);
        EngineCounter(nameof(CounterSet.ScanCpuSeconds), "s", "CPU time of scanning.", c => c.ScanCpuSeconds);
        EngineCounter(nameof(CounterSet.CpuSecondsTotal), "s", "CPU time of the process.", c => c.CpuSecondsTotal);

        Latency(nameof(CounterSet.SealWaitNanoseconds), "Waits for a seal.", c => c.SealWaitNanoseconds);
        Latency(nameof(CounterSet.CowFaultNanoseconds), "Breaks.", c => c.CowFaultNanoseconds);
    }

    private static string NameOf(string counter) => "pageshare_" + JsonNamingPolicy.SnakeCaseLower.ConvertName(counter);

    private void GuestGauge<T>(string counter, string unit, string description, Func<CounterSet, T> read)
        where T : struct =>
        _meter.CreateObservableGauge(NameOf(counter), () => MeasureGuests(read), unit, description);

    private void GuestCounter<T>(string counter, string unit, string description, Func<CounterSet, T> read)
        where T : struct =>
        _meter.CreateObservableCounter(NameOf(counter), () => MeasureGuests(read), unit, description);

    private void EngineGauge<T>(string counter, string unit, string description, Func<CounterSet, T> read)
        where T : struct =>
        _meter.CreateObservableGauge(NameOf(counter), () => MeasureEngine(read), unit, description);

    private void EngineCounter<T>(string counter, string unit, string description, Func<CounterSet, T> read)
        where T : struct =>
        _meter.CreateObservableCounter(NameOf(counter), () => MeasureEngine(read), unit, description);

    private void Latency(string counter, string description, Func<CounterSet, LatencySummary> read) =>
        _meter.CreateObservableGauge(NameOf(counter), () => MeasureLatency(read), "ns", description);

    private IEnumerable<Measurement<T>> MeasureGuests<T>(Func<CounterSet, T> read)
        where T : struct
    {
        foreach (var guest in CurrentSnapshot()?.Guests ?? [])
        {
            yield return new Measurement<T>(
                read(guest.Counters),
                new KeyValuePair<string, object?>("domain", guest.Domain),
                new KeyValuePair<string, object?>("guest", guest.Name));
        }
    }

    private IEnumerable<Measurement<T>> MeasureEngine<T>(Func<CounterSet, T> read)
        where T : struct =>
        CurrentSnapshot() is { } snapshot ? [new Measurement<T>(read(snapshot.Totals))] : [];

    private IEnumerable<Measurement<long>> MeasureLatency(Func<CounterSet, LatencySummary> read)
    {
        if (CurrentSnapshot() is not { } snapshot)
        {
            return [];
        }

        var latency = read(snapshot.Totals);
        return
        [
            new(latency.P50, new KeyValuePair<string, object?>("quantile", "0.5")),
            new(latency.P99, new KeyValuePair<string, object?>("quantile", "0.99")),
            new(latency.Max, new KeyValuePair<string, object?>("quantile", "1")),
        ];
    }

    /// <summary>A snapshot no older than <see cref="SnapshotLifetime"/>; null once disposed.</summary>
    private EngineSnapshot? CurrentSnapshot()
    {
        lock (_lock)
        {
            if (_disposed)
            {
                return null;
            }

            if (_snapshot is null || _time.GetElapsedTime(_takenAt) >= SnapshotLifetime)
            {
                _snapshot = _takeSnapshot();
                _takenAt = _time.GetTimestamp();
            }

            return _snapshot;
        }
    }
}

using System.Diagnostics.Metrics;
using System.Text.Json;
using PageShare.Metrics;
using PageShare.UnitTests.Scan;

namespace PageShare.UnitTests.Metrics;

public sealed class EngineMeterTests : IDisposable
{
    private readonly SimulatedTime _time = new();
    private readonly List<Seen> _seen = [];
    private readonly MeterListener _listener = new();
    private readonly EngineMeter _meter;
    private int _snapshots;
    private long _merges = 40;

    public EngineMeterTests()
    {
        // Other tests of this process may have meters of the same name, before and after: only instruments made in here
        // count.
        var mine = new AsyncLocal<bool>();
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (mine.Value && instrument.Meter.Name == "PageShare")
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Record(instrument, value, tags));
        _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Record(instrument, value, tags));
        _listener.Start();
        mine.Value = true;
        _meter = new EngineMeter(TakeSnapshot, _time);
        mine.Value = false;
    }

    public void Dispose()
    {
        _meter.Dispose();
        _listener.Dispose();
    }

    [Fact]
    public void EveryCounterHasAnInstrumentOfItsName()
    {
        _listener.RecordObservableInstruments();

        var expected = typeof(CounterSet).GetProperties()
            .Select(p => "pageshare_" + JsonNamingPolicy.SnakeCaseLower.ConvertName(p.Name));
        Assert.Equal(expected.Order(), _seen.Select(s => s.Instrument.Name).Distinct().Order());
        Assert.Contains(_seen, s => s.Instrument.Name == "pageshare_cow_fault_nanoseconds");
    }

    [Fact]
    public void EveryInstrumentHasAUnitAndADescription()
    {
        _listener.RecordObservableInstruments();

        Assert.All(_seen, s => Assert.False(string.IsNullOrEmpty(s.Instrument.Unit)));
        Assert.All(_seen, s => Assert.False(string.IsNullOrEmpty(s.Instrument.Description)));
        Assert.All(
            _seen.Where(s => s.Instrument.Name.EndsWith("_bytes", StringComparison.Ordinal)),
            s => Assert.Equal("By", s.Instrument.Unit));
    }

    [Fact]
    public void WhatOnlyGrowsIsACounterAndNothingElse()
    {
        _listener.RecordObservableInstruments();

        string[] growing =
        [
            "breaks_stalled", "cow_faults", "cpu_seconds_total", "full_scans", "hash_collisions", "merges",
            "merges_abandoned", "orders_late", "pages_broken_ahead", "pages_scanned", "scan_cpu_seconds",
            "seal_waits",
        ];
        Assert.Equal(
            growing.Select(name => "pageshare_" + name),
            _seen.Where(s => s.Instrument is ObservableCounter<long> or ObservableCounter<double>)
                .Select(s => s.Instrument.Name).Distinct().Order());
    }

    [Fact]
    public void GuestsCountersAreTaggedAndTheirTotalIsNotMeasuredBesideThem()
    {
        _listener.RecordObservableInstruments();

        Assert.Equal(
            [("domain=d1,guest=g1", 30.0), ("domain=d2,guest=g2", 10.0)],
            _seen.Where(s => s.Instrument.Name == "pageshare_merges").Select(s => (s.Tags, s.Value)));
    }

    [Fact]
    public void EnginesFiguresAreMeasuredOnceWithoutTags()
    {
        _listener.RecordObservableInstruments();

        var limit = Assert.Single(_seen, s => s.Instrument.Name == "pageshare_mappings_limit");
        Assert.Equal(("", 65_530.0), (limit.Tags, limit.Value));
    }

    [Fact]
    public void LatenciesAreTaggedWithTheirQuantile()
    {
        _listener.RecordObservableInstruments();

        Assert.Equal(
            [("quantile=0.5", 1.0), ("quantile=0.99", 2.0), ("quantile=1", 3.0)],
            _seen.Where(s => s.Instrument.Name == "pageshare_cow_fault_nanoseconds").Select(s => (s.Tags, s.Value)));
    }

    [Fact]
    public void OneCollectionTakesOneSnapshot()
    {
        _listener.RecordObservableInstruments();

        Assert.Equal(1, _snapshots);
    }

    [Fact]
    public void NextCollectionSeesNewFigures()
    {
        _listener.RecordObservableInstruments();
        _merges = 50;
        _seen.Clear();
        _time.Advance(EngineMeter.SnapshotLifetime);

        _listener.RecordObservableInstruments();

        Assert.Equal(2, _snapshots);
        Assert.Contains(_seen, s => s.Instrument.Name == "pageshare_merges" && s.Value == 40);
    }

    [Fact]
    public void DisposedMeterAsksForNoSnapshot()
    {
        _meter.Dispose();

        _listener.RecordObservableInstruments();

        Assert.Equal(0, _snapshots);
        Assert.Empty(_seen);
    }

    private EngineSnapshot TakeSnapshot()
    {
        _snapshots++;
        return new EngineSnapshot
        {
            Totals = new CounterSet
            {
                Merges = _merges,
                MappingsLimit = 65_530,
                CowFaultNanoseconds = new LatencySummary(1, 2, 3),
            },
            Domains = [],
            Guests = [Guest("g1", "d1", _merges - 10), Guest("g2", "d2", 10)],
            SealKind = "mprotect",
            BreakCounting = "handler",
        };
    }

    private static GuestSnapshot Guest(string name, string domain, long merges) =>
        new() { Name = name, Domain = domain, Counters = new CounterSet { Merges = merges } };

    private void Record(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var text = string.Join(',', tags.ToArray().Select(tag => $"{tag.Key}={tag.Value}"));
        _seen.Add(new Seen(instrument, value, text));
    }

    private sealed record Seen(Instrument Instrument, double Value, string Tags);
}

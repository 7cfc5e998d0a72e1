using System.Diagnostics.Metrics;
using System.Text.Json;
using PageShare.Metrics;
using PageShare.TestKit;

namespace PageShare.ContractTests.Counters;

/// <summary>The meter "PageShare", as dotnet-counters and OpenTelemetry read it.</summary>
public sealed class MeterTests : EngineTest
{
    private const int Pages = 64;

    [Fact]
    public void EveryCounterIsAnInstrument()
    {
        var engine = StartShared();
        var expected = typeof(CounterSet).GetProperties()
            .Select(static property => "pageshare_" + JsonNamingPolicy.SnakeCaseLower.ConvertName(property.Name))
            .Order();
        Assert.Equal(expected, Collect().Select(static measured => measured.Instrument).Distinct().Order());
        GC.KeepAlive(engine);
    }

    [Fact]
    public void MeasurementsAreThoseOfASnapshot()
    {
        var engine = StartShared();
        var now = engine.Engine.Snapshot();
        var measured = Collect();
        foreach (var guest in now.Guests)
        {
            double Of(string instrument) => Assert.Single(
                measured,
                one => one.Instrument == instrument && one.Guest == guest.Name && one.Domain == guest.Domain).Value;
            Assert.Equal(guest.Counters.PagesPopulated, Of("pageshare_pages_populated"));
            Assert.Equal(guest.Counters.PagesSharing, Of("pageshare_pages_sharing"));
            Assert.Equal(guest.Counters.SavedBytes, Of("pageshare_saved_bytes"));
            Assert.Equal(guest.Counters.CowFaults, Of("pageshare_cow_faults"));
            Assert.Equal(guest.Counters.ZeroPages, Of("pageshare_zero_pages"));
        }

        double Total(string instrument) => Assert.Single(measured, one => one.Instrument == instrument).Value;
        Assert.Equal(now.Totals.SharingRatio, Total("pageshare_sharing_ratio"));
        Assert.Equal(now.Totals.NetSavedBytes, Total("pageshare_net_saved_bytes"));
        Assert.Equal(now.Totals.FullScans, Total("pageshare_full_scans"));
        Assert.Equal(3, measured.Count(static one => one.Instrument == "pageshare_cow_fault_nanoseconds"));
        Assert.Equal(
            now.Totals.SavedBytes,
            measured.Where(static one => one.Instrument == "pageshare_saved_bytes").Sum(static one => one.Value));
    }

    [Fact]
    public void InstrumentsGoWithTheEngine()
    {
        var engine = StartShared();
        Assert.NotEmpty(Collect());
        engine.Engine.Dispose();
        Assert.Empty(Collect());
    }

    private TestEngine StartShared()
    {
        var engine = Start(FaultMode.Signal);
        engine.AddGuest("first", Pages, static page => page == 0 ? PageContent.Zero : PageContent.Unique(page + 1));
        engine.AddGuest(
            "second", Pages, static page => PageContent.Unique(page + 1), new GuestOptions { Domain = "other" });
        engine.AddGuest("third", Pages, static page => PageContent.Unique(page + 1));
        engine.Converge();
        engine.Guests[0].Write(5, 5, 5);
        return engine;
    }

    private static List<Measured> Collect()
    {
        var all = new List<Measured>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = static (instrument, listening) =>
        {
            if (instrument.Meter.Name == "PageShare")
            {
                listening.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<long>(
            (instrument, value, tags, _) => all.Add(Measured.Of(instrument, value, tags)));
        listener.SetMeasurementEventCallback<double>(
            (instrument, value, tags, _) => all.Add(Measured.Of(instrument, value, tags)));
        listener.Start();
        listener.RecordObservableInstruments();
        return all;
    }

    private sealed record Measured(string Instrument, double Value, string? Guest, string? Domain)
    {
        public static Measured Of(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            string? Find(ReadOnlySpan<KeyValuePair<string, object?>> among, string key)
            {
                foreach (var tag in among)
                {
                    if (tag.Key == key)
                    {
                        return (string?)tag.Value;
                    }
                }

                return null;
            }

            return new Measured(instrument.Name, value, Find(tags, "guest"), Find(tags, "domain"));
        }
    }
}

using System.Reflection;
using System.Text.Json;
using PageShare.Metrics;

namespace PageShare.UnitTests.Metrics;

public sealed class CounterSetTests
{
    /// <summary>The names that DESIGN.md gives every snapshot, in its order, and what guests in other processes
    /// and breaks of several pages add.</summary>
    private static readonly string[] DocumentedNames =
    [
        "pagesTotal", "pagesPopulated", "zeroPages", "pagesShared", "pagesSharing", "pagesUnshared", "pagesVolatile",
        "residentBytes", "savedBytes", "sharingRatio", "netSavedBytes", "metadataBytes", "kernelTableBytes",
        "mappedBytes", "consumedBytes", "activeBytes", "overcommitFactor", "pagesScanned", "fullScans",
        "scanPagesPerSecond", "scanCpuSeconds", "cpuSecondsTotal", "ordersLate", "merges", "mergesAbandoned",
        "hashCollisions", "sealWaits", "sealWaitNanoseconds", "cowFaults", "cowFaultsPerSecond", "cowFaultNanoseconds",
        "pagesBrokenAhead", "breaksStalled", "mappingsUsed", "mappingsLimit",
    ];

    [Fact]
    public void DerivedFiguresFollowTheirFormulas()
    {
        var counters = new CounterSet
        {
            PagesPopulated = 1000,
            ResidentBytes = 600 * 4096,
            MetadataBytes = 10_000,
            KernelTableBytes = 2_000,
        };

        Assert.Equal(1000 * 4096, counters.MappedBytes);
        Assert.Equal(400 * 4096, counters.SavedBytes);
        Assert.Equal(0.4, counters.SharingRatio, 12);
        Assert.Equal((400 * 4096) - 12_000, counters.NetSavedBytes);
    }

    [Fact]
    public void NothingPopulatedIsARatioOfZero()
    {
        Assert.Equal(0, new CounterSet().SharingRatio);
    }

    [Fact]
    public void PageSharedByThreeConsumesAThird()
    {
        // 100 populated: 10 zero, 30 on frames; all frames have three users.
        Assert.Equal((60 + 10) * 4096, CounterSet.ConsumedBytesOf(100, 10, 30, 30 / 3.0));
    }

    [Fact]
    public void SumAddsEveryAmountAndTakesTheLargestOfPassesAndLimits()
    {
        var (left, right) = (Numbered(3), Numbered(4));

        var sum = CounterSet.Sum([left, right], new LatencyHistogram(), new LatencyHistogram());

        foreach (var property in BaseFigures())
        {
            var (a, b) = (Number(property, left), Number(property, right));
            var expected = property.Name is nameof(CounterSet.FullScans) or nameof(CounterSet.MappingsLimit)
                ? Math.Max(a, b)
                : a + b;
            Assert.True(expected == Number(property, sum), $"{property.Name}: {Number(property, sum)}, not {expected}");
        }

        Assert.Equal(left.SavedBytes + right.SavedBytes, sum.SavedBytes);
        Assert.NotEqual(left.SharingRatio + right.SharingRatio, sum.SharingRatio);
    }

    [Fact]
    public void SumTakesPercentilesFromTheMergedHistograms()
    {
        var (seals, breaks) = (new LatencyHistogram(), new LatencyHistogram());
        seals.Record(5);
        breaks.Record(6);

        var sum = CounterSet.Sum([Numbered(3)], seals, breaks);

        Assert.Equal(new LatencySummary(5, 5, 5), sum.SealWaitNanoseconds);
        Assert.Equal(new LatencySummary(6, 6, 6), sum.CowFaultNanoseconds);
    }

    [Fact]
    public void JsonHasExactlyTheDocumentedNames()
    {
        using var json = JsonDocument.Parse(
            JsonSerializer.Serialize(new CounterSet(), PageShareJsonContext.Default.CounterSet));

        Assert.Equal(DocumentedNames, json.RootElement.EnumerateObject().Select(p => p.Name));
    }

    [Fact]
    public void LatenciesAreObjectsInJson()
    {
        var counters = new CounterSet { CowFaultNanoseconds = new LatencySummary(1, 2, 3) };

        var text = JsonSerializer.Serialize(counters, PageShareJsonContext.Default.CounterSet);

        Assert.Contains("\"cowFaultNanoseconds\":{\"p50\":1,\"p99\":2,\"max\":3}", text, StringComparison.Ordinal);
    }

    [Fact]
    public void SnapshotComesBackFromJsonAsItWas()
    {
        var snapshot = new EngineSnapshot
        {
            Totals = Numbered(5),
            Domains = [new DomainSnapshot { Name = "d", Counters = Numbered(6) }],
            Guests =
            [
                new GuestSnapshot { Name = "g", Domain = "d", FaultMode = FaultMode.Kernel, Counters = Numbered(7) },
            ],
            SealKind = "mprotect",
            BreakCounting = "perf",
        };

        var text = JsonSerializer.Serialize(snapshot, PageShareJsonContext.Default.EngineSnapshot);
        var back = JsonSerializer.Deserialize(text, PageShareJsonContext.Default.EngineSnapshot)!;

        Assert.Contains("\"faultMode\":\"kernel\"", text, StringComparison.Ordinal);
        Assert.Equal(snapshot.Totals, back.Totals);
        Assert.Equal(snapshot.Domains, back.Domains);
        Assert.Equal(snapshot.Guests, back.Guests);
        Assert.Equal("perf", back.BreakCounting);
    }

    private static IEnumerable<PropertyInfo> BaseFigures() =>
        typeof(CounterSet).GetProperties().Where(p => p.CanWrite && p.PropertyType != typeof(LatencySummary));

    private static double Number(PropertyInfo property, CounterSet counters) =>
        Convert.ToDouble(property.GetValue(counters), null);

    /// <summary>Counters in which every base figure is different, so that two swapped ones show.</summary>
    private static CounterSet Numbered(int seed)
    {
        var counters = new CounterSet();
        var value = seed;
        foreach (var property in BaseFigures())
        {
            value = (value * 3) + 1;
            property.SetValue(counters, Convert.ChangeType(value % 100_003, property.PropertyType, null));
        }

        return counters;
    }
}

using PageShare.Metrics;

namespace PageShare.Host.Web;

/// <summary>What Prometheus takes a metric for.</summary>
internal enum MetricKind
{
    /// <summary>May go up and down.</summary>
    Gauge,

    /// <summary>Only goes up, until the host starts anew.</summary>
    Counter,
}

/// <summary>A counter of <see cref="CounterSet"/> as a metric.</summary>
/// <param name="Counter">The property's name.</param>
/// <param name="Kind">Its type.</param>
/// <param name="Help">What it is, with its unit.</param>
/// <param name="Read">Its value.</param>
internal sealed record Metric(string Counter, MetricKind Kind, string Help, Func<CounterSet, double> Read);

/// <summary>A latency as a metric: a summary of three quantiles, of which the last is the slowest of all.</summary>
internal sealed record LatencyMetric(string Counter, string Help, Func<CounterSet, LatencySummary> Read);

/// <summary>
/// Every counter, once: what guests can be charged with has a sample a guest, and none for the sum, which would be
/// added to its own parts; what only the host as a whole has, has one without labels.
/// </summary>
internal static class MetricTable
{
    /// <summary>One sample a guest.</summary>
    public static IReadOnlyList<Metric> OfGuests { get; } =
    [
        Gauge(nameof(CounterSet.PagesTotal), "Pages of the guest's memory.", static c => c.PagesTotal),
        Gauge(nameof(CounterSet.PagesPopulated), "Pages ever written by the guest.", static c => c.PagesPopulated),
        Gauge(nameof(CounterSet.ZeroPages), "Populated pages that are zero and have no memory.",
            static c => c.ZeroPages),
        Gauge(nameof(CounterSet.PagesShared), "Frames that the guest's pages map first.", static c => c.PagesShared),
        Gauge(nameof(CounterSet.PagesSharing), "Pages on frames beyond the first of each.", static c => c.PagesSharing),
        Gauge(nameof(CounterSet.PagesUnshared), "Pages that were looked at and have no equal.",
            static c => c.PagesUnshared),
        Gauge(nameof(CounterSet.PagesVolatile), "Pages that change too often to be shared.",
            static c => c.PagesVolatile),
        Gauge(nameof(CounterSet.ResidentBytes), "Memory in use by the kernel's account, in bytes.",
            static c => c.ResidentBytes),
        Gauge(nameof(CounterSet.SavedBytes), "Populated less resident memory, in bytes.", static c => c.SavedBytes),
        Gauge(nameof(CounterSet.MappedBytes), "Populated memory, in bytes.", static c => c.MappedBytes),
        Gauge(nameof(CounterSet.ConsumedBytes), "Memory charged, a page of n users by 1/n, in bytes.",
            static c => c.ConsumedBytes),
        Gauge(nameof(CounterSet.ActiveBytes), "Memory written lately, in bytes.", static c => c.ActiveBytes),
        Gauge(nameof(CounterSet.CowFaultsPerSecond), "Stores that broke sharing, per second, lately.",
            static c => c.CowFaultsPerSecond),
        Counter(nameof(CounterSet.PagesScanned), "Pages that the scanner went over.", static c => c.PagesScanned),
        Counter(nameof(CounterSet.Merges), "Pages merged, zero pages included.", static c => c.Merges),
        Counter(nameof(CounterSet.MergesAbandoned), "Pages sealed but not merged.", static c => c.MergesAbandoned),
        Counter(nameof(CounterSet.HashCollisions), "Pages of equal hash whose bytes differed.",
            static c => c.HashCollisions),
        Counter(nameof(CounterSet.SealWaits), "Stores that waited for a seal.", static c => c.SealWaits),
        Counter(nameof(CounterSet.CowFaults), "Stores that broke sharing.", static c => c.CowFaults),
        Counter(nameof(CounterSet.PagesBrokenAhead), "Pages that such stores broke beside their own.",
            static c => c.PagesBrokenAhead),
        Counter(nameof(CounterSet.BreaksStalled), "Breaks that had to wait for memory or mappings.",
            static c => c.BreaksStalled),
        Counter(nameof(CounterSet.OrdersLate), "Orders that the guest did not answer in time.",
            static c => c.OrdersLate),
        Gauge(nameof(CounterSet.MappingsUsed), "Mappings that the guest's memory takes.", static c => c.MappingsUsed),
        Gauge(nameof(CounterSet.MappingsLimit), "Most mappings that sharing may take there.",
            static c => c.MappingsLimit),
    ];

    /// <summary>One sample in all.</summary>
    public static IReadOnlyList<Metric> OfHost { get; } =
    [
        Gauge(nameof(CounterSet.SharingRatio), "Saved by populated memory, from 0 to 1.", static c => c.SharingRatio),
        Gauge(nameof(CounterSet.NetSavedBytes), "Saved bytes less what PageShare needs itself.",
            static c => c.NetSavedBytes),
        Gauge(nameof(CounterSet.MetadataBytes), "PageShare's own tables, in bytes.", static c => c.MetadataBytes),
        Gauge(nameof(CounterSet.KernelTableBytes), "Kernel tables of sharing, in bytes.",
            static c => c.KernelTableBytes),
        Gauge(nameof(CounterSet.OvercommitFactor), "Size of all guests by the machine's memory.",
            static c => c.OvercommitFactor),
        Gauge(nameof(CounterSet.ScanPagesPerSecond), "Pages scanned per second, lately.",
            static c => c.ScanPagesPerSecond),
        Counter(nameof(CounterSet.FullScans), "Full passes over all guests.", static c => c.FullScans),
        Counter(nameof(CounterSet.ScanCpuSeconds), "CPU time of scanning and of the guests' agents, in seconds.",
            static c => c.ScanCpuSeconds),
        Counter(nameof(CounterSet.CpuSecondsTotal), "CPU time of the host, in seconds.", static c => c.CpuSecondsTotal),
    ];

    /// <summary>Percentiles do not add up, so the host has samples of its own.</summary>
    public static IReadOnlyList<LatencyMetric> Latencies { get; } =
    [
        new(nameof(CounterSet.SealWaitNanoseconds), "How long stores waited for a seal, in nanoseconds.",
            static c => c.SealWaitNanoseconds),
        new(nameof(CounterSet.CowFaultNanoseconds), "How long stores that broke sharing took, in nanoseconds.",
            static c => c.CowFaultNanoseconds),
    ];

    private static Metric Gauge(string counter, string help, Func<CounterSet, double> read) =>
        new(counter, MetricKind.Gauge, help, read);

    private static Metric Counter(string counter, string help, Func<CounterSet, double> read) =>
        new(counter, MetricKind.Counter, help, read);
}

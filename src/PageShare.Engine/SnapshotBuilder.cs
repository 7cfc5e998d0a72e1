using System.Collections;
using PageShare.Memory;
using PageShare.Merge;
using PageShare.Metrics;
using PageShare.Platform;
using PageShare.Scan;

namespace PageShare;

/// <summary>Takes snapshots: brings the books up to date, counts, and adds up.</summary>
/// <remarks>Guard: the engine's lock, held by whoever calls.</remarks>
internal sealed class SnapshotBuilder(
    GuestRegistry registry, Scanner scanner, IPlatform platform, int stablePasses, TimeProvider time)
{
    /// <summary>Kernel memory of a mapping: the structure and its place in the trees, measured on Linux 6.18.</summary>
    private const int BytesPerMapping = 220;

    private const int BytesPerPageTableEntry = 8;

    private readonly long _machineBytes = platform.MemoryBytes;
    private readonly RateMeter _scanRate = new(time);
    private readonly Dictionary<GuestRegion, RateMeter> _breakRates = [];

    // Of guests that are gone: what the engine has counted never becomes less.
    private readonly GuestSums _gone = new();

    /// <summary>One guest alone.</summary>
    public GuestSnapshot Build(GuestRegion region)
    {
        registry.Patience.Renew();
        scanner.EnterLate();
        scanner.KernelBreaks.Drain(scanner.Totals);
        PageCensus.Reconcile(region, scanner.Totals);
        return Build(region, FramesOf(region.Domain), new GuestSums());
    }

    /// <summary>Keeps what a guest has counted, just before it goes.</summary>
    public void Retire(GuestRegion region)
    {
        registry.Patience.Renew();
        scanner.KernelBreaks.Drain(scanner.Totals);
        PageCensus.CountCopies(region, scanner.Totals);
        _gone.Add(region);
        _breakRates.Remove(region);
    }

    /// <summary>Everything.</summary>
    public EngineSnapshot Build()
    {
        registry.Patience.Renew();
        scanner.EnterLate();
        scanner.KernelBreaks.Drain(scanner.Totals);
        _scanRate.Observe(scanner.Totals.PagesScanned);
        var sums = new GuestSums();
        sums.Add(_gone);
        var guests = new Dictionary<GuestRegion, GuestSnapshot>();
        DomainSnapshot[] domains = [.. registry.Domains.Select(domain => Build(domain, guests, sums))];
        return new EngineSnapshot
        {
            Totals = AddEngine(Sum(domains.Select(static domain => domain.Counters), sums)),
            Domains = domains,
            Guests = [.. registry.Regions.Select(region => guests[region])],
            SealKind = platform.SealKind,
            BreakCounting = registry.Regions.Any(static region => region.Copies is not null)
                ? scanner.KernelBreaks.Kind
                : "handler",
            WriteTracking = scanner.WriteTracking,
            GuestsLost = registry.Regions.Count(static region => region.Ring is { IsAttached: false }),
            GuestsDistrusted = registry.GuestsDistrusted,
            Warnings = [.. scanner.Warnings],
        };
    }

    private CounterSet AddEngine(CounterSet sum)
    {
        var totals = scanner.Totals;
        return sum with
        {
            // What was done for guests that are gone counts here alone.
            PagesScanned = totals.PagesScanned,
            FullScans = scanner.FullScans,
            ScanPagesPerSecond = _scanRate.PerSecond,
            ScanCpuSeconds = totals.CpuNanoseconds / 1e9,
            CpuSecondsTotal = Environment.CpuUsage.TotalTime.TotalSeconds,
            OrdersLate = sum.OrdersLate + _gone.OrdersLate,
            Merges = totals.Merges + totals.ZeroPagesFreed,
            MergesAbandoned = totals.Abandoned,
            HashCollisions = totals.HashCollisions,
            SealWaits = sum.SealWaits + _gone.SealWaitCount,
            CowFaults = sum.CowFaults + _gone.CowFaultCount,
            PagesBrokenAhead = sum.PagesBrokenAhead + _gone.PagesBrokenAhead,
            BreaksStalled = sum.BreaksStalled + _gone.BreaksStalled,
        };
    }

    private DomainSnapshot Build(ShareDomain domain, Dictionary<GuestRegion, GuestSnapshot> guests, GuestSums engine)
    {
        var sums = new GuestSums();
        foreach (var region in domain.Regions)
        {
            PageCensus.Reconcile(region, scanner.Totals);
        }

        var seen = FramesOf(domain);
        foreach (var region in domain.Regions)
        {
            guests[region] = Build(region, seen, sums);
        }

        engine.Add(sums);
        var sum = Sum(domain.Regions.Select(region => guests[region].Counters), sums);
        return new DomainSnapshot
        {
            Name = domain.Name,
            Counters = sum with
            {
                MetadataBytes = sum.MetadataBytes + domain.MetadataBytes,

                // The kernel's figure for the store, instead of the sum of what guests have of it, which is rounded.
                ResidentBytes = sums.OwnBytes + domain.Store.AllocatedBytes,
            },
        };
    }

    private GuestSnapshot Build(GuestRegion region, BitArray seen, GuestSums sums)
    {
        var own = new GuestSums();
        var census = PageCensus.Take(region, seen, scanner.Totals, stablePasses); // counts kernel breaks too, hence first
        region.Budget.Recount(region);
        own.Add(region);
        sums.Add(own);
        var ownBytes = region.Backing.AllocatedBytes + (census.AnonymousCopies * PageSize.Bytes);
        sums.OwnBytes += ownBytes;
        return new GuestSnapshot
        {
            Name = region.Spec.Name,
            Domain = region.Domain.Name,
            FaultMode = region.Spec.FaultMode,
            Sharing = region.IsSharing,
            Counters = new CounterSet
            {
                PagesTotal = region.Pages,
                PagesPopulated = census.Populated,
                ZeroPages = census.ZeroAbsent,
                PagesShared = census.FramesFirstUsed,
                PagesSharing = census.PagesOnFrames - census.FramesFirstUsed,
                PagesUnshared = census.Unshared,
                PagesVolatile = census.Volatile,
                ResidentBytes = ownBytes + (long)Math.Round(census.FrameShares * PageSize.Bytes),
                MetadataBytes = region.MetadataBytes,
                KernelTableBytes = (census.Populated * BytesPerPageTableEntry) + (region.MappingsUsed * BytesPerMapping),
                ConsumedBytes = CounterSet.ConsumedBytesOf(
                    census.Populated, census.ZeroAbsent, census.PagesOnFrames, census.FrameShares),
                ActiveBytes = census.Volatile * PageSize.Bytes,
                OvercommitFactor = (double)region.Pages * PageSize.Bytes / _machineBytes,
                PagesScanned = region.Tally.PagesScanned,
                FullScans = scanner.FullScans,
                ScanCpuSeconds = region.Tally.CpuNanoseconds / 1e9,
                OrdersLate = region.Tally.OrdersLate,
                Merges = region.Tally.Merges + region.Tally.ZeroPagesFreed,
                MergesAbandoned = region.Tally.Abandoned,
                HashCollisions = region.Tally.HashCollisions,
                SealWaits = own.SealWaitCount,
                SealWaitNanoseconds = own.SealWaits.Summarize(),
                CowFaults = own.CowFaultCount,
                CowFaultsPerSecond = BreakRate(region, own.CowFaultCount),
                CowFaultNanoseconds = own.CowFaults.Summarize(),
                PagesBrokenAhead = own.PagesBrokenAhead,
                BreaksStalled = own.BreaksStalled,
                MappingsUsed = region.MappingsUsed,
                MappingsLimit = region.Budget.Limit,
            },
        };
    }

    private static BitArray FramesOf(ShareDomain domain) => new(checked((int)domain.Store.HighWater));

    private static CounterSet Sum(IEnumerable<CounterSet> parts, GuestSums sums) =>
        CounterSet.Sum(parts, sums.SealWaits, sums.CowFaults);

    private double BreakRate(GuestRegion region, long cowFaults)
    {
        if (!_breakRates.TryGetValue(region, out var rate))
        {
            _breakRates[region] = rate = new RateMeter(time);
        }

        rate.Observe(cowFaults);
        return rate.PerSecond;
    }

    /// <summary>What is added up over guests beside their counters.</summary>
    private sealed class GuestSums
    {
        /// <summary>Memory that is no frame: backings, and the kernel's copies.</summary>
        public long OwnBytes { get; set; }

        public long CowFaultCount { get; private set; }

        public long SealWaitCount { get; private set; }

        public long PagesBrokenAhead { get; private set; }

        public long BreaksStalled { get; private set; }

        public long OrdersLate { get; private set; }

        public LatencyHistogram SealWaits { get; } = new();

        public LatencyHistogram CowFaults { get; } = new();

        public void Add(GuestRegion region)
        {
            var counts = region.ShimCounts;
            CowFaultCount += counts.CowFaults + region.Tally.KernelBreaks;
            SealWaitCount += counts.SealWaits;
            PagesBrokenAhead += counts.PagesBrokenAhead;
            BreaksStalled += counts.BreaksStalled;
            OrdersLate += region.Tally.OrdersLate;
            SealWaits.Add(counts.SealWaitNanoseconds);
            CowFaults.Add(counts.CowFaultNanoseconds);
        }

        public void Add(GuestSums other)
        {
            CowFaultCount += other.CowFaultCount;
            SealWaitCount += other.SealWaitCount;
            PagesBrokenAhead += other.PagesBrokenAhead;
            BreaksStalled += other.BreaksStalled;
            OrdersLate += other.OrdersLate;
            SealWaits.Add(other.SealWaits);
            CowFaults.Add(other.CowFaults);
        }
    }
}

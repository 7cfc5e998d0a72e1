using System.Reflection;
using PageShare.Metrics;
using PageShare.Platform;
using PageShare.TestKit;
using PageShare.TestKit.Proof;

namespace PageShare.ContractTests.Counters;

/// <summary>Counters add up, and say what the kernel says.</summary>
public sealed class CounterTests : EngineTest
{
    private const int Pages = 256;

    // Of several these have the largest, or only the engine has them; latencies do not add up.
    private static readonly string[] NotAmounts =
    [
        nameof(CounterSet.FullScans), nameof(CounterSet.MappingsLimit), nameof(CounterSet.SharingRatio),
        nameof(CounterSet.CpuSecondsTotal), nameof(CounterSet.ScanPagesPerSecond),
        nameof(CounterSet.CowFaultsPerSecond),
        nameof(CounterSet.SealWaitNanoseconds), nameof(CounterSet.CowFaultNanoseconds),
    ];

    // Domains have tables of their own, and a guest's part of frames is rounded.
    private static readonly string[] MoreThanTheSum =
        [nameof(CounterSet.MetadataBytes), nameof(CounterSet.NetSavedBytes)];

    private TestEngine StartBusy(FaultMode mode)
    {
        var engine = Start(mode);
        foreach (var name in new[] { "red-1", "red-2", "blue-1", "blue-2" })
        {
            var domain = name[..^2];
            engine.AddGuest(name, Pages, page => ContentOf(name, page), new GuestOptions { Domain = domain });
        }

        engine.AddGuest("never written", Pages, new GuestOptions { Domain = "blue" });
        engine.Converge();
        for (var page = 0; page < Pages; page += 3)
        {
            engine.Guests[0].Write(page, 7, 77);
            engine.Guests[3].Write(page, 7, 78);
        }

        return engine;
    }

    private static PageContent ContentOf(string name, long page) => (page % 4) switch
    {
        0 => PageContent.Zero,
        1 => PageContent.Unique(page + 1),
        2 => PageContent.Of('x'),
        _ => PageContent.Unique((name.GetHashCode(StringComparison.Ordinal) & 0xFFFF) + (page << 20)),
    };

    [Theory, BothModes]
    public void GuestsAddUpToDomainsAndDomainsToTheEngine(FaultMode mode)
    {
        var engine = StartBusy(mode);
        Reconciles(engine.Engine.Snapshot());
        engine.Converge();
        Reconciles(engine.Engine.Snapshot());
        engine.Guests[1].Guest.Dispose();
        engine.Scan();
        Reconciles(engine.Engine.Snapshot());
    }

    [Theory, BothModes]
    public void SavedBytesAreWhatIsPopulatedLessWhatTheKernelHolds(FaultMode mode)
    {
        var engine = StartBusy(mode);
        SavedIsRight(engine); // in Kernel mode with copies that the kernel made
        engine.Scan();
        SavedIsRight(engine);
        engine.Converge();
        SavedIsRight(engine);
        engine.Engine.UnshareAll();
        SavedIsRight(engine);
        foreach (var domain in engine.Engine.Snapshot().Domains)
        {
            Assert.Equal(
                MemoryObjects.PagesOf("pageshare-guest:" + domain.Name)
                + MemoryObjects.PagesOf("pageshare-store:" + domain.Name)
                + (domain.Name == "blue" ? MemoryObjects.PagesOf("pageshare-guest:never") : 0),
                domain.Counters.ResidentBytes / PageContent.Bytes);
        }
    }

    [Theory, BothModes]
    public void OnlyWrittenPagesArePopulated(FaultMode mode)
    {
        var engine = Start(mode);
        var guest = engine.AddGuest("guest", Pages);
        guest.Write(3, 0, 1);
        guest.Write(200, PageContent.Zero); // a zero page that was written counts
        Assert.Equal(2, engine.Totals.PagesPopulated);
        engine.Converge();
        var now = engine.Totals;
        Assert.Equal(2, now.PagesPopulated);
        Assert.Equal(1, now.ZeroPages);
        Assert.Equal(1, now.PagesUnshared);
        Assert.Equal(PageContent.Bytes, now.SavedBytes);
        Assert.Equal(Pages, now.PagesTotal);
        Assert.Equal(0.5, now.SharingRatio);
    }

    // Windows counts a thread's CPU time in ticks of this length: a pass may be over within one.
    private static TimeSpan Tick => TimeSpan.FromMilliseconds(HostPlatform.IsLinux ? 0 : 16);

    [Theory, BothModes]
    public void APassReportsWhatTheTotalsGained(FaultMode mode)
    {
        var engine = StartBusy(mode);
        for (var pass = 0; pass < 4; pass++)
        {
            var before = engine.Totals;
            var report = engine.Scan();
            var after = engine.Totals;
            Assert.Equal(engine.Guests.Sum(static guest => guest.Pages), report.PagesScanned);
            Assert.Equal(report.PagesScanned, after.PagesScanned - before.PagesScanned);
            Assert.Equal(report.PagesMerged, after.Merges - before.Merges);
            Assert.Equal(report.MergesAbandoned, after.MergesAbandoned - before.MergesAbandoned);
            Assert.Equal(1, after.FullScans - before.FullScans);
            Assert.True(report.CpuTime + Tick > TimeSpan.Zero && report.CpuTime <= (report.Elapsed * 1.5) + Tick);
            Assert.True(after.ScanCpuSeconds + Tick.TotalSeconds > before.ScanCpuSeconds);
        }
    }

    [Theory, BothModes]
    public void PagesAreVolatileUntilTheyHaveStayedTheSame(FaultMode mode)
    {
        var engine = Start(mode);
        var guest = engine.AddGuest("guest", Pages, static page => PageContent.Unique(page + 1));
        engine.Scan();
        Assert.Equal(Pages, engine.Totals.PagesVolatile);
        engine.Scan();
        Assert.Equal(0, engine.Totals.PagesVolatile);
        Assert.Equal(Pages, engine.Totals.PagesUnshared);
        guest.Write(9, 9, 9);
        engine.Scan();
        Assert.Equal(1, engine.Totals.PagesVolatile);
        Assert.Equal(PageContent.Bytes, engine.Totals.ActiveBytes);
    }

    [Theory, BothModes]
    public void WhatWasCountedOfAGuestThatIsGoneStaysCounted(FaultMode mode)
    {
        var engine = StartBusy(mode);
        engine.Scan();
        var before = engine.Totals;
        Assert.True(before.CowFaults > 0);
        engine.Guests[0].Guest.Dispose();
        engine.Guests[3].Guest.Dispose();
        var after = engine.Totals;
        Assert.Equal(before.CowFaults, after.CowFaults);
        Assert.Equal(before.Merges, after.Merges);
        Assert.Equal(before.PagesScanned, after.PagesScanned);
        Assert.Equal(before.CowFaultNanoseconds, after.CowFaultNanoseconds);
    }

    private static void Reconciles(EngineSnapshot now)
    {
        Assert.NotEmpty(now.Guests);
        foreach (var property in Amounts())
        {
            double Of(CounterSet counters) => Convert.ToDouble(property.GetValue(counters), null);
            foreach (var domain in now.Domains)
            {
                var sum = now.Guests.Where(guest => guest.Domain == domain.Name).Sum(guest => Of(guest.Counters));
                Agree(property.Name, sum, Of(domain.Counters));
            }

            // What is counted by event belongs to the engine even after its guest has gone.
            var ofDomains = now.Domains.Sum(domain => Of(domain.Counters));
            Assert.True(ofDomains <= Of(now.Totals) + 4, property.Name);
            if (IsState(property.Name))
            {
                Agree(property.Name, ofDomains, Of(now.Totals));
            }
        }
    }

    private static IEnumerable<PropertyInfo> Amounts() =>
        typeof(CounterSet).GetProperties().Where(static property => !NotAmounts.Contains(property.Name));

    private static bool IsState(string counter) => (counter.StartsWith("Pages", StringComparison.Ordinal)
            && counter != nameof(CounterSet.PagesScanned))
        || (counter.EndsWith("Bytes", StringComparison.Ordinal) && !MoreThanTheSum.Contains(counter));

    private static void Agree(string counter, double sum, double whole)
    {
        if (counter == nameof(CounterSet.MetadataBytes))
        {
            Assert.True(sum <= whole, $"{counter}: parts {sum}, whole {whole}.");
        }
        else if (counter == nameof(CounterSet.NetSavedBytes))
        {
            Assert.True(sum >= whole - 4, $"{counter}: parts {sum}, whole {whole}.");
        }
        else
        {
            Assert.True(Math.Abs(sum - whole) <= 4, $"{counter}: parts {sum}, whole {whole}."); // bytes of rounding
        }
    }

    private static unsafe void SavedIsRight(TestEngine engine)
    {
        var written = engine.Guests.Where(static guest => guest.Guest.Name != "never written").ToList();
        var anonymous = written.Sum(static guest => ProcessMappings.DetailsOf(guest.AddressOf(0), guest.Guest.Length)
            .Sum(static mapping => mapping.AnonymousBytes));
        var now = engine.Totals; // gives frames back that have lost their users, hence first
        var resident = (MemoryObjects.AllPages * PageContent.Bytes) + anonymous;
        Assert.Equal(written.Count * Pages, now.PagesPopulated);
        Assert.Equal(resident, now.ResidentBytes);
        Assert.Equal((now.PagesPopulated * PageContent.Bytes) - resident, now.SavedBytes);
        Assert.Equal(now.SavedBytes - now.MetadataBytes - now.KernelTableBytes, now.NetSavedBytes);
    }
}

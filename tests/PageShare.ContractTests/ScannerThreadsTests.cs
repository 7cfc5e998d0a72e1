using System.Collections.Concurrent;
using PageShare.Content;
using PageShare.Memory;
using PageShare.Merge;
using PageShare.Scan;
using PageShare.TestKit;
using PageShare.TestKit.Proof;

namespace PageShare.ContractTests;

/// <summary>Several threads scan: the same is found, counted and kept as by one, whatever guests do meanwhile.</summary>
public sealed class ScannerThreadsTests : EngineTest
{
    private const int Threads = 3;

    // Several stretches, all of which are read when the first is looked at.
    private const int Pages = 2000;
    private const int Late = 1900;

    private static readonly EngineOptions Many = TestEngine.Defaults with { ScannerThreads = Threads };

    [Theory, EverySetup]
    public void WhatIsSavedIsTheOptimumAndEveryByteIsKept(FaultMode mode, bool tracking)
    {
        var random = Seeds.Create();
        var engine = Start(Many with { FaultMode = mode, TrackWrites = tracking });
        for (var guest = 0; guest < 3; guest++)
        {
            engine.AddGuest($"guest-{guest}", Pages, _ => Draw(random));
        }

        IsShared(engine);
        foreach (var guest in engine.Guests)
        {
            for (var i = 0; i < Pages / 2; i++)
            {
                guest.Write(random.Next(Pages), Draw(random));
            }
        }

        IsShared(engine);
    }

    [Theory, EverySetup]
    public void GuestsWithProcessesOfTheirOwnAreSharedToo(FaultMode mode, bool tracking)
    {
        var engine = Start(Many with { FaultMode = mode, TrackWrites = tracking });
        engine.AddRingGuest("first", Pages, static page => PageContent.Unique(page % 700), mode: mode);
        engine.AddRingGuest("second", Pages, static page => PageContent.Unique(page % 900), mode: mode);

        engine.Converge();

        Assert.Equal(engine.OptimumPages, (2 * Pages) - MemoryObjects.AllPages);
        engine.VerifyAll();
    }

    [Theory, BothModes]
    public void ManyThreadsCountWhatOneCounts(FaultMode mode)
    {
        var counts = new List<string>();
        foreach (var threads in (int[])[1, Threads])
        {
            var random = new Random(1);
            using var engine = TestEngine.Start(TestEngine.Defaults with { FaultMode = mode, ScannerThreads = threads });
            engine.AddGuest("first", Pages, _ => Draw(random));
            engine.AddGuest("second", Pages, _ => Draw(random));
            for (var pass = 0; pass < 4; pass++)
            {
                var report = engine.Scan();
                counts.Add($"{report with { Elapsed = default, CpuTime = default }}");
                engine.Guests[0].Write(10 * pass, PageContent.Unique(1));
            }
        }

        Assert.Equal(counts.Take(4), counts.Skip(4));
    }

    [Fact]
    public void WhatWasReadIsKeptUntilItIsAskedForOrTheMarksAreTakenAnew()
    {
        var engine = StartPair(FaultMode.Signal);
        var (region, other) = (engine.Guests[0].Guest.Region, engine.Guests[1].Guest.Region);
        using var team = new ScanTeam(Threads);
        var reader = new PageReader(new XxHash3PageHasher(1), team, zeroHash: 0);
        var (first, last) = (new PageNumber(100), new PageNumber(100 + reader.MostPages - 1));
        lock (engine.Engine.Registry.Gate)
        {
            Read(reader, region, first, new PageNumber(Late));
            Assert.True(reader.Take(region, first).IsRead);
            Assert.False(reader.Take(region, first).IsRead); // once
            Assert.False(reader.Take(region, first + 1).IsRead);
            Assert.False(reader.Take(other, new PageNumber(Late)).IsRead);
            Assert.False(reader.Take(region, first - 1).IsRead);
            Assert.False(reader.Take(region, last + 1).IsRead);
            Assert.True(reader.Take(region, new PageNumber(Late)).IsRead);

            // A page that was written in between is told of once, and then never again.
            Read(reader, region, first, new PageNumber(Late));
            region.Written.Take(region);
            Assert.False(reader.Take(region, first).IsRead);
            Read(reader, region, first, new PageNumber(Late));
            Assert.True(reader.Take(region, first).IsRead);
        }
    }

    [Fact]
    public void NobodyReadsWhenAStepOfAPassHasEnded()
    {
        var hasher = new SlowHasher();
        var engine = Keep(TestEngine.Start(Many with { TrackWrites = false }, hasher));
        engine.AddGuest("first", Pages, static page => PageContent.Unique(page + 1));
        engine.AddGuest("second", Pages, static page => PageContent.Unique(page + Pages));
        for (var passes = 0; passes < 10; passes++)
        {
            var pass = engine.Engine.Scanner.BeginPass();
            for (var isMore = true; isMore;)
            {
                isMore = pass.Step(700, out _, out _);
                Assert.Equal(0, hasher.Reading);
            }

            engine.Engine.Scanner.EndPass();
        }
    }

    [Theory, BothModes]
    public void APageWrittenAfterItWasHashedAheadIsFoundByTheNextPass(FaultMode mode)
    {
        var engine = StartPair(mode);
        Step(engine, () =>
        {
            engine.Guests[0].Write(Late, PageContent.Unique(1 << 20));
            engine.Guests[1].Write(Late, PageContent.Unique(1 << 20));
            engine.Guests[0].Write(Late + 1, PageContent.Zero);
        });
        engine.Verify();

        IsShared(engine);
    }

    [Theory, BothModes]
    public void GuestsMayGoGrowAndBePinnedAfterTheirPagesWereReadAhead(FaultMode mode)
    {
        var engine = StartPair(mode);
        var (gone, other) = (engine.Guests[0], engine.Guests[1]);
        using (var pin = other.Guest.PinWritable(Late * PageContent.Bytes, PageContent.Bytes))
        {
            Step(engine, gone.Guest.Dispose);
            Step(engine, () => other.Guest.Grow((Pages + 600) * PageContent.Bytes));
        }

        for (var page = (long)Pages; page < other.Pages; page++)
        {
            other.Write(page, PageContent.Unique(page % 50));
        }

        IsShared(engine);
    }

    [Fact]
    public void FailuresWhileReadingEndThePassAndLeaveNothingBehind()
    {
        var hasher = new FailingHasher { FailsAt = 1000 };
        var engine = Keep(TestEngine.Start(Many, hasher));
        engine.AddGuest("first", Pages, static page => PageContent.Unique(page + 1));
        engine.AddGuest("second", Pages, static page => PageContent.Unique(page + 1));
        Assert.Throws<IOException>(engine.Scan);

        hasher.FailsAt = int.MaxValue;
        IsShared(engine);
    }

    [Fact]
    public void HelpersAreCountedAsTheScannersOwnTime()
    {
        var hasher = new MeetingHasher(Threads);
        var engine = Keep(TestEngine.Start(Many, hasher));
        engine.AddGuest("guest", Pages, static page => PageContent.Unique(page + 1));
        var before = engine.Totals.ScanCpuSeconds;
        var report = engine.Scan();

        // Each thread has worked that long before any was let go on.
        Assert.True(report.CpuTime >= Threads * MeetingHasher.Work, $"{report.CpuTime}");
        Assert.Equal(report.CpuTime.TotalSeconds, engine.Totals.ScanCpuSeconds - before, 3);
    }

    private static void Read(PageReader reader, GuestRegion region, params ReadOnlySpan<PageNumber> pages)
    {
        reader.Begin(region, pages[0]);
        foreach (var page in pages)
        {
            reader.Add(page);
        }

        reader.BeginReading();
        reader.Finish(pages[^1]);
        reader.Stop();
    }

    private TestEngine StartPair(FaultMode mode)
    {
        var engine = Start(Many with { FaultMode = mode });
        engine.AddGuest("first", Pages, static page => PageContent.Unique(page + 1));
        engine.AddGuest("second", Pages, static page => PageContent.Unique(page + 1));
        return engine;
    }

    /// <summary>A pass in which something happens after each first stretch of a guest.</summary>
    private static void Step(TestEngine engine, Action afterFirst)
    {
        var pass = engine.Engine.Scanner.BeginPass();
        pass.Step(int.MaxValue, out _, out _);
        afterFirst();
        while (pass.Step(int.MaxValue, out _, out _))
        {
        }

        engine.Engine.Scanner.EndPass();
    }

    private static void IsShared(TestEngine engine)
    {
        engine.Converge();
        var pages = engine.Guests.Where(static guest => !guest.Memory.Handle.IsClosed).Sum(static guest => guest.Pages);
        Assert.Equal(engine.OptimumPages, pages - MemoryObjects.AllPages);
        engine.VerifyAll();
    }

    private static PageContent Draw(Random random) => random.Next(6) switch
    {
        0 => PageContent.Zero,
        1 or 2 => PageContent.Unique(1 + random.Next(500)),
        _ => PageContent.Unique(random.NextInt64(1L << 20, 1L << 40)),
    };

    private sealed class FailingHasher : IPageHasher
    {
        private readonly XxHash3PageHasher _hasher = new(seed: 1);
        private int _pages;

        public int FailsAt { get; set; }

        public uint Hash(ReadOnlySpan<byte> page) =>
            Interlocked.Increment(ref _pages) == FailsAt ? throw new IOException("no more") : _hasher.Hash(page);
    }

    private sealed class SlowHasher : IPageHasher
    {
        private readonly XxHash3PageHasher _hasher = new(seed: 1);
        private int _reading;

        public int Reading => Volatile.Read(ref _reading);

        public uint Hash(ReadOnlySpan<byte> page)
        {
            Interlocked.Increment(ref _reading);
            Thread.SpinWait(500);
            var hash = _hasher.Hash(page);
            Interlocked.Decrement(ref _reading);
            return hash;
        }
    }

    /// <summary>Lets no thread go on before all have come, and have used some CPU time.</summary>
    private sealed class MeetingHasher(int threads) : IPageHasher
    {
        private readonly XxHash3PageHasher _hasher = new(seed: 1);
        private readonly ConcurrentDictionary<int, bool> _here = new();
        private int _missing = threads;
        private bool _isFirst = true;

        public static TimeSpan Work => TimeSpan.FromMilliseconds(30);

        public uint Hash(ReadOnlySpan<byte> page)
        {
            if (_isFirst)
            {
                _isFirst = false; // the hash of zeros, when the engine starts
            }
            else if (_here.TryAdd(Environment.CurrentManagedThreadId, true))
            {
                var until = Platform.Shim.ThreadCpuNanoseconds() + (long)Work.TotalNanoseconds;
                while (Platform.Shim.ThreadCpuNanoseconds() < until)
                {
                }

                Interlocked.Decrement(ref _missing);
                Until.True(() => Volatile.Read(ref _missing) == 0, "all threads hash");
            }

            return _hasher.Hash(page);
        }
    }
}

using PageShare.Content;
using PageShare.Metrics;
using PageShare.Platform;
using PageShare.TestKit.Rings;

namespace PageShare.TestKit;

/// <summary>An engine that does nothing by itself, with guests whose every byte is known.</summary>
public sealed class TestEngine : IDisposable
{
    // Passes after which guests that nobody writes to must have nothing left to merge; those behind rings may have to
    // be waited for.
    private const int MostPasses = 20;
    private const int MostPassesWithRings = 200;

    // The same in each run: hashes are of 32 bits, and two of some thousand contents would be equal now and then.
    private const long HashSeed = 1;

    private readonly List<OracleGuest> _guests = [];
    private readonly List<RingPair> _pairs = [];

    private TestEngine(PageShareEngine engine) => Engine = engine;

    /// <summary>
    /// Scans only when told to, merges a page on the second look, never backs off, waits a moment only for memory, and
    /// breaks only the page that is stored to.
    /// </summary>
    public static EngineOptions Defaults { get; } = new()
    {
        BackgroundScanning = false,
        BackOffMaximumPasses = 1,
        BreakTimeout = TimeSpan.FromMilliseconds(1),
        MaximumBreakPages = 1,
    };

    /// <summary>The engine.</summary>
    public PageShareEngine Engine { get; }

    /// <summary>The guests made here, disposed or not.</summary>
    public IReadOnlyList<OracleGuest> Guests => _guests;

    /// <summary>Starts an engine in the given fault mode.</summary>
    public static TestEngine Start(FaultMode mode) => Start(Defaults with { FaultMode = mode });

    /// <summary>Starts an engine.</summary>
    public static TestEngine Start(EngineOptions options) => Start(options, hasher: null);

    /// <summary>Starts an engine with parts of the test's own.</summary>
    internal static TestEngine Start(EngineOptions options, IPageHasher? hasher, IPlatform? platform = null) =>
        new(PageShareEngine.Start(
            options, platform ?? HostPlatform.Create(), hasher ?? new XxHash3PageHasher(HashSeed), TimeProvider.System));

    /// <summary>Makes a guest of so many pages.</summary>
    public OracleGuest AddGuest(string name, long pages, GuestOptions? options = null)
    {
        var guest = new OracleGuest(Engine.CreateGuest(name, pages * PageContent.Bytes, options));
        _guests.Add(guest);
        return guest;
    }

    /// <summary>Makes a guest and writes all its pages.</summary>
    public OracleGuest AddGuest(
        string name, long pages, Func<long, PageContent> contentOf, GuestOptions? options = null)
    {
        var guest = AddGuest(name, pages, options);
        guest.WriteAll(contentOf);
        return guest;
    }

    /// <summary>Makes a guest that the engine knows by its ring alone, as if it had a process of its own, and writes
    /// all its pages.</summary>
    internal RingPair AddRingGuest(
        string name, long pages, Func<long, PageContent>? contentOf = null, string domain = "default",
        bool attach = true, int processId = 1, FaultMode? mode = null, long? maximumPages = null)
    {
        Assert.SkipWhen(
            HostPlatform.Create().BetweenProcesses is null,
            "needs Linux: only there have guests processes of their own.");
        var host = Engine.CreateIsolated(new IsolatedSpec
        {
            Name = name,
            Bytes = pages * PageContent.Bytes,
            MaximumBytes = (maximumPages ?? pages) * PageContent.Bytes,
            Domain = domain,
            ProcessId = processId,
            FaultMode = mode,
        });
        var pair = new RingPair(host, new RingGuest(RingGuestPlan.Of(host), RingGuestPaths.Of(host)));
        _pairs.Add(pair);
        _guests.Add(pair.Oracle);
        if (contentOf is not null)
        {
            pair.Oracle.WriteAll(contentOf);
        }

        if (attach)
        {
            pair.Attach();
        }

        return pair;
    }

    /// <summary>Takes a guest over whose engine is gone.</summary>
    internal RingPair TakeOver(RingPair orphan, Func<ResumeSpec, ResumeSpec>? change = null, bool attach = true)
    {
        orphan.Guest.StopAgent();
        var spec = orphan.Guest.HandOver();
        var host = Engine.ResumeIsolated(change is null ? spec : change(spec));
        spec.CloseDescriptors(); // those that were changed for others
        orphan.Guest.SetHost(RingGuestPaths.Of(host), host.StoreBytes);
        var pair = new RingPair(host, orphan.Guest, orphan.Oracle);
        _pairs.Add(pair);
        _guests.Add(pair.Oracle);
        if (attach)
        {
            pair.Attach();
        }

        return pair;
    }

    /// <summary>One full pass now, on this thread.</summary>
    public PassReport Scan() => Engine.ScanOnce(TestContext.Current.CancellationToken);

    /// <summary>Scans until two passes in a row merge and break nothing; returns the pages merged in all.</summary>
    public long Converge()
    {
        var merged = 0L;
        var quiet = 0;
        for (var passes = 0; quiet < 2; passes++)
        {
            var most = Engine.IsolatedGuests.Count > 0 ? MostPassesWithRings : MostPasses;
            Assert.True(passes < most, $"After {most} passes there is still something to merge.");
            var pass = Scan();
            Assert.True(pass.Completed);
            merged += pass.PagesMerged;
            quiet = pass.PagesMerged == 0 && pass.PagesBroken == 0 && !IsWaitedFor ? quiet + 1 : 0;
        }

        return merged;
    }

    /// <summary>Whether a guest behind a ring has still to answer, or was left alone since it has not: on a machine
    /// that is busy with other things, any of them may be.</summary>
    private bool IsWaitedFor => Engine.IsolatedGuests.Any(static guest => guest.State == IsolatedState.Late
        || (guest.State is IsolatedState.Attached or IsolatedState.Moving
            && (guest.Region.BackOff.IsActive || guest.Region.HealthTakenAt is null)));

    /// <summary>The engine's totals now.</summary>
    public CounterSet Totals => Engine.Snapshot().Totals;

    /// <summary>
    /// What sharing can save at best, by exact counting: pages less distinct non-zero contents, domain by domain. All
    /// pages of the guests must have been written.
    /// </summary>
    public long OptimumPages => _guests
        .Where(static guest => !guest.Memory.Handle.IsClosed)
        .GroupBy(static guest => guest.Memory.Domain)
        .Sum(static domain =>
        {
            var pages = new DistinctPages();
            foreach (var page in domain.SelectMany(static guest => guest.ExpectedPages()))
            {
                pages.Add(page);
            }

            return pages.Saveable;
        });

    /// <summary>Checks every byte of every guest.</summary>
    public void Verify()
    {
        foreach (var guest in _guests.Where(static guest => !guest.Memory.Handle.IsClosed))
        {
            guest.Verify();
        }
    }

    /// <summary>Checks the books against the page words, and every byte of every guest.</summary>
    public void VerifyAll()
    {
        EngineBooks.Check(Engine);
        Verify();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _pairs.ForEach(static pair => pair.Dispose());
        Engine.Dispose();
    }
}

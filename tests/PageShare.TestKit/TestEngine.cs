using PageShare.Content;
using PageShare.Metrics;
using PageShare.Platform;

namespace PageShare.TestKit;

/// <summary>An engine that does nothing by itself, with guests whose every byte is known.</summary>
public sealed class TestEngine : IDisposable
{
    // Passes after which guests that nobody writes to must have nothing left to merge.
    private const int MostPasses = 20;

    private readonly List<OracleGuest> _guests = [];

    private TestEngine(PageShareEngine engine) => Engine = engine;

    /// <summary>
    /// Scans only when told to, merges a page on the second look, never backs off, and waits a moment only for memory.
    /// </summary>
    public static EngineOptions Defaults { get; } = new()
    {
        BackgroundScanning = false,
        BackOffMaximumPasses = 1,
        BreakTimeout = TimeSpan.FromMilliseconds(1),
    };

    /// <summary>The engine.</summary>
    public PageShareEngine Engine { get; }

    /// <summary>The guests made here, disposed or not.</summary>
    public IReadOnlyList<OracleGuest> Guests => _guests;

    /// <summary>Starts an engine in the given fault mode.</summary>
    public static TestEngine Start(FaultMode mode) => Start(Defaults with { FaultMode = mode });

    /// <summary>Starts an engine.</summary>
    public static TestEngine Start(EngineOptions options) => new(PageShareEngine.Start(options));

    /// <summary>Starts an engine with parts of the test's own.</summary>
    internal static TestEngine Start(EngineOptions options, IPageHasher? hasher, IPlatform? platform = null) =>
        new(PageShareEngine.Start(options, platform ?? HostPlatform.Create(), hasher, TimeProvider.System));

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

    /// <summary>One full pass now, on this thread.</summary>
    public PassReport Scan() => Engine.ScanOnce(TestContext.Current.CancellationToken);

    /// <summary>Scans until two passes in a row merge and break nothing; returns the pages merged in all.</summary>
    public long Converge()
    {
        var merged = 0L;
        var quiet = 0;
        for (var passes = 0; quiet < 2; passes++)
        {
            Assert.True(passes < MostPasses, $"After {MostPasses} passes there is still something to merge.");
            var pass = Scan();
            Assert.True(pass.Completed);
            merged += pass.PagesMerged;
            quiet = pass.PagesMerged == 0 && pass.PagesBroken == 0 ? quiet + 1 : 0;
        }

        return merged;
    }

    /// <summary>The engine's totals now.</summary>
    public CounterSet Totals => Engine.Snapshot().Totals;

    /// <summary>
    /// What sharing can save at best, by exact counting: pages less distinct non-zero contents, domain by domain. All
    /// pages of the guests must have been written.
    /// </summary>
    public long OptimumPages => _guests
        .Where(static guest => !guest.Guest.Region.Handle.IsClosed)
        .GroupBy(static guest => guest.Guest.Domain)
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
        foreach (var guest in _guests.Where(static guest => !guest.Guest.Region.Handle.IsClosed))
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
    public void Dispose() => Engine.Dispose();
}

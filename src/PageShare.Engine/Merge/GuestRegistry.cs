using PageShare.Content;
using PageShare.Memory;
using PageShare.Platform;

namespace PageShare.Merge;

/// <summary>All share domains and guests of an engine, and the lock that guards them.</summary>
/// <remarks>
/// <see cref="Gate"/> is the engine's lock: scanning holds it for one stretch of pages at a time, or for some while
/// several threads read them, everything else as briefly. No fault handler ever waits for it, nor for a thread that holds
/// it: whatever a handler waits for begins and ends inside one native call. It is the only lock taken under the scanner's
/// pass lock.
/// </remarks>
internal sealed class GuestRegistry(IPlatform platform, MappingBudget budget) : IDisposable
{
    private readonly Dictionary<int, MappingBudget> _budgets = [];
    private long _distrustedGone;
    private readonly Dictionary<string, ShareDomain> _domains = [];
    private readonly List<GuestRegion> _regions = [];

    /// <summary>The engine's lock.</summary>
    public Lock Gate { get; } = new();

    /// <summary>How long whoever holds the lock may wait for guests' agents. Guard: <see cref="Gate"/>.</summary>
    public OrderPatience Patience { get; } = new();

    /// <summary>The mappings of this process.</summary>
    public MappingBudget OwnBudget => budget;

    /// <summary>The mappings of this process, and of each that has a guest. Guard: <see cref="Gate"/>.</summary>
    public IEnumerable<MappingBudget> Budgets => _budgets.Values.Append(budget);

    /// <summary>Guests of other processes, gone ones too, that have answered orders with what cannot be. Guard:
    /// <see cref="Gate"/>.</summary>
    public long GuestsDistrusted =>
        _distrustedGone + _regions.Count(static region => region.Ring is { WhyDistrusted: not null });

    /// <summary>The guests' regions, in order of creation. Guard: <see cref="Gate"/>.</summary>
    public IReadOnlyList<GuestRegion> Regions => _regions;

    /// <summary>The share domains that have guests. Guard: <see cref="Gate"/>.</summary>
    public IReadOnlyCollection<ShareDomain> Domains => _domains.Values;

    /// <summary>Makes a region in the named domain, which is made if it is not there. Guard:
    /// <see cref="Gate"/>.</summary>
    /// <param name="domainName">The domain.</param>
    /// <param name="make">Makes the region.</param>
    /// <exception cref="PlatformException">The system lacks something; nothing has changed then.</exception>
    public GuestRegion Add(string domainName, Func<ShareDomain, GuestRegion> make)
    {
        var isNew = !_domains.TryGetValue(domainName, out var domain);
        domain ??= new ShareDomain(platform, domainName);
        GuestRegion? region = null;
        try
        {
            region = make(domain);
            domain.Add(region);
        }
        catch
        {
            if (region is { Spec.IsAdopted: true })
            {
                _ = Shim.Disown(region.Handle); // back to whom it belongs; without memory it stays mapped as it is
            }

            region?.Dispose();
            region?.DisposeTables();
            if (isNew)
            {
                domain.Dispose();
            }

            throw;
        }

        domain.Tenants++;
        _domains[domainName] = domain;
        _regions.Add(region);
        region.Budget.Regions++;
        region.Budget.Recount(region, new PageNumber(0)); // what it takes with nothing shared
        return region;
    }

    /// <summary>The mappings of a process that is going to have a guest. Guard: <see cref="Gate"/>.</summary>
    /// <param name="processId">The process.</param>
    /// <param name="limit">Most mappings, until its agent has told.</param>
    public MappingBudget BudgetOf(int processId, long limit)
    {
        foreach (var (id, unused) in _budgets)
        {
            if (unused.Regions == 0)
            {
                _budgets.Remove(id); // the id may be another process's by now
            }
        }

        if (!_budgets.TryGetValue(processId, out var found))
        {
            _budgets[processId] = found = new MappingBudget { Limit = limit };
        }

        return found;
    }

    /// <summary>
    /// Takes a region out: it is scanned no more. Its memory and its frames go at once or, if calls or pins on it are
    /// under way, when the last of these ends; its domain goes with its last guest. Guard: <see cref="Gate"/>.
    /// </summary>
    public void Remove(GuestRegion region)
    {
        if (!_regions.Remove(region))
        {
            return;
        }

        region.IsRemoved = true;
        _distrustedGone += region.Ring is { WhyDistrusted: not null } ? 1 : 0;
        region.Budget.Forget(region);
        region.Budget.Regions--;
        region.Domain.Remove(region);
        region.Release(() => GiveBack(region));
    }

    /// <summary>
    /// Takes all regions of other processes out, which run on and show the frames of their domains' stores: these
    /// stores are left as they are from now on. Guard: <see cref="Gate"/>.
    /// </summary>
    public void Abandon()
    {
        foreach (var region in _regions.Where(static region => region.Ring is not null).ToList())
        {
            region.Domain.Store.Freeze();
            Remove(region);
        }
    }

    /// <summary>Removes everything.</summary>
    public void Dispose()
    {
        lock (Gate)
        {
            while (_regions.Count > 0)
            {
                Remove(_regions[^1]);
            }
        }
    }

    /// <summary>
    /// The region's mappings are gone, and only now its frames may go: what a frame shows never changes while it is
    /// mapped. Runs on whichever thread let go last, perhaps with the gate held.
    /// </summary>
    private void GiveBack(GuestRegion region)
    {
        lock (Gate)
        {
            var domain = region.Domain;
            Merger.Unpin(region);
            for (var page = new PageNumber(0); page.Value < region.Pages; page++)
            {
                if (region.Records.KindOf(page) == PageKind.Sharing)
                {
                    domain.Release(region.Records.FrameOf(page));
                }
            }

            region.DisposeTables();
            if (--domain.Tenants == 0)
            {
                if (_domains.GetValueOrDefault(domain.Name) == domain)
                {
                    _domains.Remove(domain.Name);
                }

                domain.Dispose();
            }
        }
    }
}

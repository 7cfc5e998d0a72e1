using PageShare.Memory;
using PageShare.Merge;
using PageShare.PageTable;

namespace PageShare.TestKit;

/// <summary>
/// Checks that what the engine has written down is what the page words say, while nobody writes or scans: a page that a
/// race left behind shows here.
/// </summary>
public static class EngineBooks
{
    /// <summary>Checks all domains of an engine.</summary>
    public static void Check(PageShareEngine engine)
    {
        // Brings the books up to date with what guests did. An order that is late is under way: pages may be transient.
        Until.True(
            () => engine.Snapshot() is not null
                && !engine.IsolatedGuests.Any(static guest => guest.State == IsolatedState.Late),
            "no order is under way");
        lock (engine.Registry.Gate)
        {
            Assert.All(engine.Registry.Regions, NoPageIsTransient);
            foreach (var domain in engine.Registry.Domains)
            {
                Check(domain);
            }
        }

        CountersAddUp(engine);
    }

    /// <summary>State of a page by its word.</summary>
    internal static PageState StateOf(OracleGuest guest, long page) =>
        guest.Guest.Region.Words.Read(new PageNumber(page)).State;

    private static void NoPageIsTransient(GuestRegion region)
    {
        for (var page = new PageNumber(0); page.Value < region.Pages; page++)
        {
            var word = region.Words.Read(page);
            Assert.False(
                PageStates.IsTransient(word.State) || word.HasWaiters, $"{region.Spec.Name}, {page}: left as {word}.");
        }
    }

    /// <summary>Every frame has as many users as pages name it, and the store holds no other.</summary>
    private static void Check(ShareDomain domain)
    {
        var users = new Dictionary<FrameNumber, uint>();
        foreach (var region in domain.Regions)
        {
            for (var page = new PageNumber(0); page.Value < region.Pages; page++)
            {
                var word = region.Words.Read(page);
                if (PageStates.IsShared(word.State) && word.Generation == region.Generation)
                {
                    var frame = word.Frame;
                    users[frame] = users.GetValueOrDefault(frame) + 1;
                }
            }
        }

        Assert.All(users, used => Assert.Equal(used.Value, domain.Frames.Users(used.Key)));
        Assert.Equal(users.Count, domain.Frames.Shared);
        Assert.Equal(users.Values.Sum(static count => count - 1), domain.Frames.Sharing);
        Assert.Equal(domain.Frames.Shared, domain.Frames.LiveFrames);
        Assert.Equal(domain.Frames.Shared, domain.Store.LiveFrames);

        // The kernel's figure of this very object: a store of an engine before may have the same name.
        Assert.Equal(domain.Frames.Shared * PageContent.Bytes, domain.Store.AllocatedBytes);
    }

    /// <summary>Guests add up to their domain, domains to the engine.</summary>
    private static void CountersAddUp(PageShareEngine engine)
    {
        var now = engine.Snapshot();
        foreach (var domain in now.Domains)
        {
            var guests = now.Guests
                .Where(guest => guest.Domain == domain.Name)
                .Select(static guest => guest.Counters)
                .ToList();
            Assert.Equal(guests.Sum(static c => c.PagesTotal), domain.Counters.PagesTotal);
            Assert.Equal(guests.Sum(static c => c.PagesPopulated), domain.Counters.PagesPopulated);
            Assert.Equal(guests.Sum(static c => c.ZeroPages), domain.Counters.ZeroPages);
            Assert.Equal(guests.Sum(static c => c.PagesShared), domain.Counters.PagesShared);
            Assert.Equal(guests.Sum(static c => c.PagesSharing), domain.Counters.PagesSharing);
            Assert.Equal(guests.Sum(static c => c.PagesUnshared), domain.Counters.PagesUnshared);
            Assert.Equal(guests.Sum(static c => c.PagesVolatile), domain.Counters.PagesVolatile);
        }

        Assert.Equal(now.Domains.Sum(static d => d.Counters.PagesPopulated), now.Totals.PagesPopulated);
        Assert.Equal(now.Domains.Sum(static d => d.Counters.ZeroPages), now.Totals.ZeroPages);
        Assert.Equal(now.Domains.Sum(static d => d.Counters.PagesShared), now.Totals.PagesShared);
        Assert.Equal(now.Domains.Sum(static d => d.Counters.PagesSharing), now.Totals.PagesSharing);
        Assert.Equal(now.Domains.Sum(static d => d.Counters.ResidentBytes), now.Totals.ResidentBytes);
        Assert.Equal(now.Totals.MappedBytes - now.Totals.ResidentBytes, now.Totals.SavedBytes);
    }
}

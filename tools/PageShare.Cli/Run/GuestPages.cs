using PageShare.Metrics;

namespace PageShare.Cli.Run;

/// <summary>A guest's pages as people think of them: each is zero, shared or private.</summary>
internal readonly record struct GuestPages(long Zero, long Shared, long Private)
{
    /// <summary>Sorts the pages that counters speak of.</summary>
    public static GuestPages Of(CounterSet counters)
    {
        // Every page that shows a frame is one of the frame's users: the first (pagesShared) or a further one
        // (pagesSharing).
        long shared = counters.PagesShared + counters.PagesSharing;
        return new GuestPages(
            counters.ZeroPages, shared, Math.Max(0, counters.PagesPopulated - counters.ZeroPages - shared));
    }
}

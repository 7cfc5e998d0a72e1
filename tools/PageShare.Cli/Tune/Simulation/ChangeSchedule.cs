using PageShare.Cli.Traces;

namespace PageShare.Cli.Tune.Simulation;

/// <summary>A store: a page gets another content.</summary>
/// <param name="At">When, in ticks.</param>
/// <param name="Guest">Number of the guest.</param>
/// <param name="Page">Number of the page.</param>
/// <param name="Content">What it holds from then on.</param>
internal readonly record struct PageStore(long At, int Guest, int Page, int Content);

/// <summary>
/// When each change of a trace happens. A trace tells only between which moments it did: here groups of neighbours
/// change together, as programs write, at times spread over the interval by a hash of their place, the same each time.
/// </summary>
/// <remarks>Immutable, and shared by simulations on several threads.</remarks>
internal sealed class ChangeSchedule
{
    private const int NeighbourPages = 16;

    // A trace of one moment says nothing of change: time enough for slow settings to find what is equal.
    private static readonly TimeSpan LengthOfOneMoment = TimeSpan.FromSeconds(60);

    private readonly PageStore[] _stores;

    /// <param name="trace">The trace.</param>
    public ChangeSchedule(MemoryTrace trace)
    {
        Trace = trace;
        TimeSpan interval = trace.Moments.Count > 1 ? trace.Length / (trace.Moments.Count - 1) : LengthOfOneMoment;
        Duration = trace.Length + interval;
        _stores = [.. StoresOf(trace)];
        Array.Sort(_stores, (left, right) => left.At != right.At
            ? left.At.CompareTo(right.At)
            : (left.Guest, left.Page).CompareTo((right.Guest, right.Page)));
    }

    /// <summary>The trace.</summary>
    public MemoryTrace Trace { get; }

    /// <summary>Time to the last moment and one interval more, in which nothing changes.</summary>
    public TimeSpan Duration { get; }

    /// <summary>All stores by time.</summary>
    public ReadOnlySpan<PageStore> Stores => _stores;

    private static IEnumerable<PageStore> StoresOf(MemoryTrace trace)
    {
        for (int moment = 0; moment < trace.Moments.Count; moment++)
        {
            TraceMoment now = trace.Moments[moment];
            TimeSpan before = moment == 0 ? TimeSpan.Zero : trace.Moments[moment - 1].At;
            for (int guest = 0; guest < now.Changes.Count; guest++)
            {
                foreach (PageChange change in now.Changes[guest])
                {
                    TimeSpan into = (now.At - before) * Share(guest, change.Page / NeighbourPages, moment);

                    // Memory that a process gave back is worth what a page of zeroes is.
                    int content = Math.Max(change.Content, Contents.Zero);
                    yield return new PageStore((before + into).Ticks, guest, change.Page, content);
                }
            }
        }
    }

    /// <summary>A number from 0 to 1 that looks random (the finalizer of MurmurHash3, Austin Appleby).</summary>
    private static double Share(int guest, int group, int moment)
    {
        ulong hash = ((ulong)guest << 48) ^ ((ulong)moment << 32) ^ (uint)group;
        hash = (hash ^ (hash >> 33)) * 0xFF51AFD7ED558CCD;
        hash = (hash ^ (hash >> 33)) * 0xC4CEB9FE1A85EC53;
        return (hash ^ (hash >> 33)) / (double)ulong.MaxValue;
    }
}

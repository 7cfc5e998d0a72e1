using PageShare.Cli.Scan;
using PageShare.Cli.Scan.Count;
using PageShare.Cli.Scan.Targets;
using PageShare.Platform;

namespace PageShare.Cli.Traces;

/// <summary>
/// Reads a guest set again and again, and tells what has changed. Contents get numbers in the order in which they are
/// first seen; they are told apart by 128-bit hashes of a seed that is made anew each time and told to nobody.
/// </summary>
/// <remarks>Guard: one thread calls; pages come on one thread at a time, as <see cref="IPageSink"/> says.</remarks>
/// <param name="names">The guests.</param>
/// <param name="threads">Threads that read and hash.</param>
internal sealed class MomentReader(IReadOnlyList<string> names, int threads) : IPageSink, IDisposable
{
    private readonly long _seed = Random.Shared.NextInt64();
    private readonly ContentTable _contents = new();
    private readonly GuestPages[] _guests = [.. names.Select(_ => new GuestPages())];
    private readonly bool[] _ended = new bool[names.Count];
    private readonly List<(int Guest, TargetTally Tally)> _tallies = [];
    private int[] _guestOf = [];
    private long _pagesDone;

    /// <summary>The guests' names.</summary>
    public IReadOnlyList<string> Names { get; } = names;

    /// <inheritdoc/>
    public long PagesDone => Volatile.Read(ref _pagesDone);

    /// <summary>Pages with memory at the last moment.</summary>
    public long Populated => _guests.Sum(guest => (long)guest.Populated);

    /// <summary>Pages that changed from the moment before to the last.</summary>
    public long Changed => _guests.Sum(guest => (long)guest.Changed);

    /// <summary>Distinct contents seen at all moments.</summary>
    public long DistinctContents => _contents.Count;

    /// <summary>Whether nothing is left to read.</summary>
    public bool AllEnded => Array.TrueForAll(_ended, ended => ended);

    /// <summary>Whether a guest can't be read any more.</summary>
    public bool HasEnded(int guest) => _ended[guest];

    /// <summary>Reads a moment.</summary>
    /// <param name="targets">The guests as they are now; those that have ended are passed over.</param>
    /// <param name="at">When it is.</param>
    /// <param name="load">How busy the machine is; null if that does not matter.</param>
    /// <param name="stop">The user's wish to end.</param>
    /// <returns>Null if it was stopped before all was read: half a moment is none.</returns>
    /// <exception cref="CommandException">Reading can't go on.</exception>
    public Moment? Read(IReadOnlyList<ScanTarget> targets, TimeSpan at, MachineLoad? load, CancellationToken stop)
    {
        _tallies.Clear();
        _guestOf = [.. Enumerable.Range(0, targets.Count).Where(guest => !_ended[guest])];
        using (var pipeline = new ScanPipeline(_guestOf.Select(guest => targets[guest]), this, threads, seed: _seed))
        {
            pipeline.Run(stop);
        }

        if (stop.IsCancellationRequested)
        {
            return null;
        }

        bool[] complete = [.. _ended.Select(_ => true)];
        foreach ((int guest, TargetTally tally) in _tallies)
        {
            // What was read of it until it failed is true; what was not may be what it was.
            complete[guest] = tally.IsComplete;
            _ended[guest] = !tally.IsComplete;
        }

        return new Moment
        {
            At = at,
            Load = load,
            OwnCpu = load is null ? TimeSpan.Zero : Environment.CpuUsage.TotalTime,
            Guests = [.. _guests.Select((guest, i) => guest.Turn(complete[i]))],
            Contents = (int)_contents.Count + 1,
        };
    }

    /// <inheritdoc/>
    public TargetTally Begin(ScanTarget target)
    {
        var tally = new TargetTally(target);
        _tallies.Add((_guestOf[_tallies.Count], tally));
        return tally;
    }

    /// <inheritdoc/>
    public void Add(in PageRange range, ReadOnlySpan<PageDigest> pages, ulong gone)
    {
        _contents.Prefetch(pages);
        (int guest, TargetTally tally) = _tallies[^1];
        long address = range.Offset / Quantity.PageBytes;
        for (int i = 0; i < pages.Length; i++)
        {
            if ((gone >> i & 1) == 0)
            {
                tally.Pages++;
                _guests[guest].Set(address + i, NumberOf(pages[i]));
            }
        }

        Volatile.Write(ref _pagesDone, _pagesDone + pages.Length);
    }

    /// <inheritdoc/>
    public void Seal()
    {
        // The moment is put together by whoever waits for the pipeline.
    }

    /// <inheritdoc/>
    public void Dispose() => _contents.Dispose();

    private int NumberOf(in PageDigest page)
    {
        if (page.Kind == ContentKind.Zero)
        {
            return Contents.Zero;
        }

        long number = _contents.FindOrAdd(page, target: 0, out _) + 1;
        return number < int.MaxValue
            ? (int)number
            : throw CommandException.Failed("more than 2 billion distinct pages: record fewer targets at a time.");
    }
}

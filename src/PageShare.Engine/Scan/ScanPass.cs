using System.Diagnostics;
using PageShare.Memory;
using PageShare.Merge;
using PageShare.Platform;

namespace PageShare.Scan;

/// <summary>One pass over all guests, stretch by stretch.</summary>
/// <remarks>
/// Guests made after it began are left to the next one, guests that go meanwhile are skipped. Guard: the scanner's pass
/// lock; <see cref="Step"/> takes the engine's lock for one stretch.
/// </remarks>
internal sealed class ScanPass
{
    // Waits for late answers, without the engine's lock: for one, and in one pass over one guest. A guest that is only
    // short of CPU gets some that way; one that is stopped holds the pass up once, and then less and less often.
    private static readonly TimeSpan MostLinger = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan MostLingerPerPage = TimeSpan.FromMicroseconds(20);

    private const int MostPagesOfLittleWork = 16 * ChunkScan.Pages;
    private const int FewPages = 64;

    private readonly GuestRegistry _registry;
    private readonly ChunkScan _scan;
    private readonly long _number;
    private readonly bool _mayMerge;
    private readonly MergeTally _totals;
    private readonly MergeTally _step = new();
    private readonly AgentCheck _agents;
    private readonly GuestRegion[] _regions;
    private int _current;
    private PageNumber _page;
    private TimeSpan _lingerLeft = MostLinger;
    private bool _isLingering; // whether that is what the present guest has left

    /// <param name="registry">The guests.</param>
    /// <param name="scan">Does the work.</param>
    /// <param name="agents">Asks other processes how they are.</param>
    /// <param name="number">Number of the pass, from 0.</param>
    /// <param name="mayMerge">False: only bring the books up to date, of regions in this process.</param>
    /// <param name="totals">Where all passes are summed up; guard: the engine's lock.</param>
    public ScanPass(
        GuestRegistry registry, ChunkScan scan, AgentCheck agents, long number, bool mayMerge, MergeTally totals)
    {
        _agents = agents;
        _totals = totals;
        _registry = registry;
        _scan = scan;
        _number = number;
        _mayMerge = mayMerge;
        lock (registry.Gate)
        {
            _regions = [.. registry.Regions];
        }
    }

    /// <summary>Whether the page table is asked which pages the kernel has copied, in Kernel mode.</summary>
    public bool AsksForCopies { get; init; } = true;

    /// <summary>What the pass did so far.</summary>
    public MergeTally Tally { get; } = new();

    /// <summary>CPU time of the guest's agent since it was last counted, as found by the last step.</summary>
    public long AgentNanoseconds { get; private set; }

    /// <summary>CPU time of the scanning thread's helpers in the last step.</summary>
    public long HelperNanoseconds { get; private set; }

    /// <summary>Scans one stretch more.</summary>
    /// <param name="mostPages">Most pages of it.</param>
    /// <param name="pages">Pages gone over; 0 when the stretch's guest has gone.</param>
    /// <param name="cpuNanoseconds">CPU time of the calling thread that it took.</param>
    /// <returns>False when all guests are done.</returns>
    public bool Step(int mostPages, out int pages, out long cpuNanoseconds)
    {
        pages = 0;
        cpuNanoseconds = 0;
        if (_current == _regions.Length)
        {
            return false;
        }

        var region = _regions[_current];
        Linger(region);
        lock (_registry.Gate)
        {
            _registry.Patience.Renew();
            _step.Clear();
            var (began, helped) = (Shim.ThreadCpuNanoseconds(), _scan.HelperNanoseconds);
            try
            {
                pages = region.IsRemoved ? 0 : ScanSome(region, mostPages);
            }
            finally
            {
                // Also of a step that failed half-way: the guest's own tally has its part already.
                _scan.StopReading();
                cpuNanoseconds = Shim.ThreadCpuNanoseconds() - began;
                HelperNanoseconds = _scan.HelperNanoseconds - helped;
                _step.PagesScanned = pages;
                AgentNanoseconds = region.IsRemoved ? 0 : region.Ring?.TakeCpuNanoseconds() ?? 0;
                _step.CpuNanoseconds = cpuNanoseconds + HelperNanoseconds + AgentNanoseconds;
                region.Tally.PagesScanned += pages;
                region.Tally.CpuNanoseconds += _step.CpuNanoseconds;
                Tally.Add(_step);
                _totals.Add(_step);
            }

            if (region.IsRemoved || _page.Value >= region.Pages)
            {
                _current++;
                _page = default;
                _isLingering = false;
            }
        }

        return _current < _regions.Length;
    }

    /// <summary>Waits for an answer that is late; in vain, the guest is left alone for some passes.</summary>
    private void Linger(GuestRegion region)
    {
        if (region.Ring is not { IsLate: true } ring || region.BackOff.IsActive)
        {
            return;
        }

        var since = Stopwatch.GetTimestamp();
        var hasAnswered = ring.Linger(_lingerLeft < MostLinger ? _lingerLeft : MostLinger);
        _lingerLeft = hasAnswered ? _lingerLeft - Stopwatch.GetElapsedTime(since) : TimeSpan.Zero;
    }

    /// <summary>One stretch, or several in which there is little to do: then taking the lock and the time costs more
    /// than the pages. Several as well while helpers read ahead, which they do as long as the lock is held.</summary>
    private int ScanSome(GuestRegion region, int mostPages)
    {
        int pages = 0, some;
        do
        {
            some = Scan(region, mostPages - pages);
            pages += some;
            _page += some;
        }
        while (some > 0 && _page.Value < region.Pages
            && GoesOn(pages, mostPages, _scan.IsReadingAhead ? 0 : _step.PagesHashed, _step.Merges));

        return pages;
    }

    /// <summary>Whether a step takes another stretch.</summary>
    /// <param name="pages">Pages gone over so far.</param>
    /// <param name="mostPages">Most pages that it was granted.</param>
    /// <param name="hashed">Pages of these that were hashed.</param>
    /// <param name="merges">Pages that were merged.</param>
    public static bool GoesOn(int pages, int mostPages, long hashed, long merges) =>
        pages < Math.Min(mostPages, MostPagesOfLittleWork) && hashed < FewPages && merges == 0;

    private int Scan(GuestRegion region, int mostPages)
    {
        if (_page.Value == 0)
        {
            region.BackOff.BeginPass(_number, region.Pages);
            _lingerLeft = _isLingering ? _lingerLeft : MostLinger + (region.Pages * MostLingerPerPage);
            _isLingering = true;
        }

        _scan.EnterLate(region, _step);
        if (_lingerLeft <= TimeSpan.Zero && region.Orders.IsLate)
        {
            region.BackOff.Begin();
        }

        if (_page.Value == 0 && !TryBegin(region))
        {
            return 0; // the answer is waited for, and asked for again
        }

        var mayMerge = (_mayMerge || region.Ring is not null) && region.MayMerge;
        var passedOver = mayMerge ? _scan.PassOver(region, _page, mostPages, _number) : 0;
        return passedOver > 0 ? passedOver : _scan.Scan(region, _page, mostPages, _number, mayMerge, _step);
    }

    /// <summary>What a pass over a region begins with. False while its agent has not answered but may do so
    /// yet.</summary>
    private bool TryBegin(GuestRegion region)
    {
        var mayWait = region.Ring is { IsAttached: true, WhyDistrusted: null } && !region.BackOff.IsActive
            && _lingerLeft > TimeSpan.Zero;
        if (region.Copies is { } copies)
        {
            copies.AreAllCounted = !AsksForCopies && region.Ring is null; // no events tell of another process
        }

        if (_agents.TryUpdate(region))
        {
            region.Written.Take(region);
        }

        return !(mayWait && region.Orders.IsLate);
    }
}

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
    private readonly GuestRegistry _registry;
    private readonly ChunkScan _scan;
    private readonly long _number;
    private readonly bool _mayMerge;
    private readonly MergeTally _totals;
    private readonly MergeTally _step = new();
    private readonly GuestRegion[] _regions;
    private int _current;
    private PageNumber _page;

    /// <param name="registry">The guests.</param>
    /// <param name="scan">Does the work.</param>
    /// <param name="number">Number of the pass, from 0.</param>
    /// <param name="mayMerge">False: only bring the books up to date.</param>
    /// <param name="totals">Where all passes are summed up; guard: the engine's lock.</param>
    public ScanPass(GuestRegistry registry, ChunkScan scan, long number, bool mayMerge, MergeTally totals)
    {
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

    /// <summary>What the pass did so far.</summary>
    public MergeTally Tally { get; } = new();

    /// <summary>Scans one stretch more.</summary>
    /// <param name="mostPages">Most pages of it.</param>
    /// <param name="pages">Pages gone over; 0 when the stretch's guest has gone.</param>
    /// <param name="cpuNanoseconds">Thread CPU time that it took.</param>
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
        lock (_registry.Gate)
        {
            _step.Clear();
            var began = Shim.ThreadCpuNanoseconds();
            try
            {
                pages = region.IsRemoved ? 0 : Scan(region, mostPages);
            }
            finally
            {
                // Also of a step that failed half-way: the guest's own tally has its part already.
                cpuNanoseconds = Shim.ThreadCpuNanoseconds() - began;
                _step.PagesScanned = pages;
                _step.CpuNanoseconds = cpuNanoseconds;
                region.Tally.PagesScanned += pages;
                region.Tally.CpuNanoseconds += cpuNanoseconds;
                Tally.Add(_step);
                _totals.Add(_step);
            }

            _page += pages;
            if (region.IsRemoved || _page.Value >= region.Pages)
            {
                _current++;
                _page = default;
            }
        }

        return _current < _regions.Length;
    }

    private int Scan(GuestRegion region, int mostPages)
    {
        if (_page.Value == 0)
        {
            region.Written.Take(region);
        }

        var passedOver = _scan.PassOver(region, _page, mostPages, _number);
        return passedOver > 0 ? passedOver : _scan.Scan(region, _page, mostPages, _number, _mayMerge, _step);
    }
}

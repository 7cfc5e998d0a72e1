using PageShare.Fault;
using PageShare.Merge;

namespace PageShare.Scan;

/// <summary>Counts breaks of guests in Kernel mode at once, where the kernel tells of them.</summary>
/// <remarks>What it does not tell, breaks by system calls and what was lost when there were too many, is found in the
/// page table by a pass that asks it. Guard: the engine's lock.</remarks>
/// <param name="registry">The guests.</param>
/// <param name="otherwise">What finds breaks where the kernel does not tell of them.</param>
internal sealed class KernelBreakCounter(GuestRegistry registry, string otherwise) : IDisposable
{
    private readonly nuint[] _faults = new nuint[4096];
    private BreakEvents? _events;
    private bool _hasAsked;

    /// <summary>What counts breaks: "perf", or what finds them in the next pass.</summary>
    public string Kind => _events is null ? otherwise : "perf";

    /// <summary>Whether the kernel tells of breaks.</summary>
    public bool IsTold => _events is not null;

    /// <summary>Why the kernel does not tell, and what would change that; empty if it does, or was not asked.</summary>
    public string WhyNot { get; private set; } = "";

    /// <summary>Asks the kernel to tell of breaks from now on, if it will; to be called before the first such guest.</summary>
    public void Watch()
    {
        if (!_hasAsked)
        {
            _hasAsked = true;
            _events = BreakEvents.TryOpen(out var whyNot);
            WhyNot = whyNot;
        }
    }

    /// <summary>Counts what the kernel has told of since last time.</summary>
    /// <param name="totals">Where breaks are counted beside the guests' own tallies.</param>
    public void Drain(MergeTally totals)
    {
        if (_events is null)
        {
            return;
        }

        for (var drained = _faults.Length; drained == _faults.Length;)
        {
            drained = _events.Drain(_faults);
            foreach (var region in registry.Regions)
            {
                totals.KernelBreaks += region.CountBreaks(_faults.AsSpan(0, drained));
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _events?.Dispose();
        _events = null;
    }
}

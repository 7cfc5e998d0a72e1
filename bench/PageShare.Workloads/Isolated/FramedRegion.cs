using System.Diagnostics;
using System.Globalization;
using PageShare.Bench.Memory;
using PageShare.Cli;
using PageShare.Memory;
using PageShare.Merge;
using PageShare.Platform;

namespace PageShare.Workloads.Isolated;

/// <summary>How long it took to merge all pages of a <see cref="FramedRegion"/>.</summary>
/// <param name="Wall">By the clock.</param>
/// <param name="Cpu">CPU time of whoever gives the orders, and of the agent if there is one.</param>
internal readonly record struct OrderTime(TimeSpan Wall, TimeSpan Cpu);

/// <summary>
/// A guest, of this process or of another, whose pages equal frames of its domain's store: from here on orders and
/// breaks can be timed alone.
/// </summary>
/// <remarks>
/// Orders are given as the engine's merger gives them, through the seam below it; the scanner's books stay empty. Runs
/// are lone, as they mostly are in real memory: behind each lies a page that does not share. Not thread-safe.
/// </remarks>
internal sealed unsafe class FramedRegion : IDisposable
{
    // As many as an agent does within the patience of who holds the engine's lock, many times over.
    private const int PagesOfABreak = 256;

    // On a busy machine.
    private static readonly TimeSpan AgentPatience = TimeSpan.FromSeconds(30);

    private readonly GuestRegistry _registry;
    private readonly GuestRegion _region;
    private readonly IDisposable _guest;
    private readonly ChildProgram? _child;
    private readonly List<MergeOrder> _orders = [];
    private readonly LoneRuns _runs;

    private FramedRegion(RestingHost host, GuestRegion region, IDisposable guest, ChildProgram? child, LoneRuns runs)
    {
        _registry = host.Engine.Registry;
        _region = region;
        _guest = guest;
        _child = child;
        _runs = runs;
        lock (_registry.Gate)
        {
            MakeOrders(MakeFrames());
        }
    }

    /// <summary>A guest of this process.</summary>
    /// <param name="host">Has it.</param>
    /// <param name="mode">How stores to shared pages are caught.</param>
    /// <param name="pages">Pages that can share.</param>
    /// <param name="run">Pages of a run, at most those of an order.</param>
    public static FramedRegion InProcess(RestingHost host, FaultMode mode, int pages, int run)
    {
        var runs = new LoneRuns(pages, run);
        var guest = host.Engine.CreateGuest("local", runs.Bytes, new GuestOptions { FaultMode = mode });
        runs.Fill(guest.Pointer);
        return new FramedRegion(host, guest.Region, guest, null, runs);
    }

    /// <summary>The same of another process.</summary>
    public static FramedRegion InAnother(RestingHost host, FaultMode mode, int pages, int run)
    {
        var runs = new LoneRuns(pages, run);
        var child = ChildProgram.Start(GuestProgram.Verb, host.Socket, "isolated", Text(runs.Bytes), mode.ToString());
        try
        {
            child.Do($"runs {Text(pages)} {Text(run)}");
            GuestRegion region;
            lock (host.Engine.Registry.Gate)
            {
                region = host.Engine.Registry.Regions.Single(static one => one.Ring is not null);
            }

            return new FramedRegion(host, region, child, child, runs);
        }
        catch
        {
            child.Dispose();
            throw;
        }
    }

    /// <summary>Has all pages share their frames.</summary>
    /// <param name="underWay">Orders that may be unanswered at a time.</param>
    public OrderTime Merge(int underWay)
    {
        lock (_registry.Gate)
        {
            _registry.Patience.Renew();
            _region.Ring?.TakeCpuNanoseconds();
            var (cpu, began, given, merged) = (Shim.ThreadCpuNanoseconds(), Stopwatch.GetTimestamp(), 0, 0);
            for (var answered = 0; answered < _orders.Count; answered++)
            {
                while (given < Math.Min(_orders.Count, answered + underWay) && _region.Orders.TryPost(_orders[given]))
                {
                    given++;
                }

                Require(given > answered, "an order can't be given");
                AwaitAnswer(_orders[answered]);
                merged += _orders[answered].Results.Count(MergeResult.Done);
                _registry.Patience.Renew();
            }

            var wall = Stopwatch.GetElapsedTime(began);
            cpu = Shim.ThreadCpuNanoseconds() - cpu + (_region.Ring?.TakeCpuNanoseconds() ?? 0);
            Require(merged == _runs.Sharing, $"{merged} of {_runs.Sharing} pages were merged");
            return new OrderTime(wall, TimeSpan.FromMicroseconds(cpu / 1000.0));
        }
    }

    /// <summary>Gives every page its own copy again, and has each touched, as the guest that wrote it would
    /// have.</summary>
    public void BreakAll()
    {
        lock (_registry.Gate)
        {
            for (var page = 0L; page < _region.Pages; page += PagesOfABreak)
            {
                var count = Math.Min(PagesOfABreak, _region.Pages - page);
                long broken;
                do
                {
                    _registry.Patience.Renew();
                    broken = _region.Orders.TryBreak(new PageNumber(page), count);
                }
                while (broken == IRegionOrders.Late && _region.Ring!.Linger(AgentPatience));

                Require(broken >= 0, "pages do not break");
            }
        }

        if (_child is null)
        {
            _runs.Touch(((Guest)_guest).Pointer);
        }
        else
        {
            _child.Do("touch");
        }
    }

    /// <summary>Times stores to shared pages, each of which was read before.</summary>
    public StoreTimes TimeStores(ulong seed) => _child is null
        ? _runs.TimeStores(((Guest)_guest).Pointer, seed)
        : GuestProgram.Read(_child.Do($"break {seed.ToString(CultureInfo.InvariantCulture)}"));

    /// <summary>Times first stores to anonymous memory, in the guest's process.</summary>
    public StoreTimes TimeFirstTouches() => _child is null
        ? _runs.TimeFirstTouches()
        : GuestProgram.Read(_child.Do("first-touch"));

    /// <inheritdoc/>
    public void Dispose()
    {
        _guest.Dispose();
        while (_child is not null && IsThere())
        {
            Thread.Yield(); // its process has ended, and the host is about to see that
        }
    }

    private bool IsThere()
    {
        lock (_registry.Gate)
        {
            return _registry.Regions.Contains(_region);
        }
    }

    /// <summary>Late answers come in the order of posting, as others do.</summary>
    private void AwaitAnswer(MergeOrder order)
    {
        if (!_region.Orders.TryTakeLate(out var late) && !_region.Orders.Await(order))
        {
            Require(
                _region.Ring!.Linger(AgentPatience) && _region.Orders.TryTakeLate(out late),
                "an agent does not answer");
            Require(late == order, "answers have changed places");
        }
    }

    /// <summary>A frame for each page that can share, a run's in a row.</summary>
    private List<FrameNumber> MakeFrames()
    {
        var store = _region.Domain.Store;
        var frames = new List<FrameNumber>();
        foreach (var first in _runs.Starts)
        {
            var frame = store.Allocate(_runs.Length, out var got);

            // SAFETY: pages of the region, which the host views as long as the guest lives.
            Require(
                got == _runs.Length
                    && store.TryFill(frame, _region.Backing.PageAt(new PageNumber(first)), _runs.Length),
                "the store has no room for the frames");
            frames.AddRange(Enumerable.Range(0, got).Select(at => new FrameNumber(frame.Value + (uint)at)));
        }

        return frames;
    }

    /// <summary>Orders of at most <see cref="Shim.OrderPages"/> pages that cut no run.</summary>
    private void MakeOrders(List<FrameNumber> frames)
    {
        var most = Math.Max(1, Shim.OrderPages / (_runs.Length + 1));
        foreach (var starts in _runs.Starts.Chunk(most))
        {
            var order = new MergeOrder();
            var first = new PageNumber(starts[0]);
            order.Begin(OrderKind.Merge, _region, first, (int)(starts[^1] - starts[0]) + _runs.Length);
            foreach (var start in starts)
            {
                for (var i = 0; i < _runs.Length; i++)
                {
                    var frame = frames[(int)(start / (_runs.Length + 1) * _runs.Length) + i];
                    order.Targets[(int)(start - starts[0]) + i] = frame.Value;
                }
            }

            _orders.Add(order);
        }
    }

    private static void Require(bool holds, string problem)
    {
        if (!holds)
        {
            throw CommandException.Failed($"{problem}.");
        }
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}

using PageShare.Bench.Memory;
using PageShare.Cli;
using PageShare.Memory;
using PageShare.Platform;
using PageShare.Workloads.Reporting;

namespace PageShare.Workloads.Isolated;

/// <summary>What processes of their own cost: orders and breaks beside those of one process, and a host's death.</summary>
internal sealed class IsolatedWorkload(IsolatedOptions options, Action<string> progress)
{
    private const int BreakRun = 64;
    private const int TakeoverGuests = 4;
    private const long LeastBytes = 16L << 20;

    private static readonly int[] RunLengths = [1, 8, 64, 512];

    /// <summary>Runs it.</summary>
    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    public IsolatedResult Run(CancellationToken stop)
    {
        if (HostPlatform.Create().BetweenProcesses is null)
        {
            return new IsolatedResult { Skipped = "only Linux has guests in processes of their own." };
        }

        var bytes = FittingBytes(out var notes);
        var (orders, breaks) = MeasureBeside(stop);
        progress($"takeover of {Quantity.Bytes(bytes)}");
        var mix = GuestMix.Of(TakeoverGuests, bytes, BreakRun, options.Seed);
        var takeover = new TakeoverTrial(mix, options.FaultMode, progress).Run(stop, out var fault);
        return new IsolatedResult
        {
            Orders = orders,
            Breaks = breaks,
            Takeover = takeover,
            Notes = [.. notes, HostProgram.Note],
            Fault = fault,
        };
    }

    private long FittingBytes(out List<string> notes)
    {
        notes = [];
        var bytes = options.TakeoverBytes;
        while (bytes > LeastBytes && MemoryNeed.Refuses(bytes) is { } reason)
        {
            notes.Add($"Smaller: {reason}");
            progress(notes[^1]);
            bytes /= 2;
        }

        return bytes;
    }

    /// <summary>Orders and breaks, of a guest of this process and of one of another in turn.</summary>
    private (IReadOnlyList<OrderFigures> Orders, IReadOnlyList<BreakFigures> Breaks) MeasureBeside(
        CancellationToken stop)
    {
        using var host = new RestingHost();
        var orders = new List<OrderFigures>();
        foreach (var run in RunLengths)
        {
            progress($"orders, runs of {run}");
            using var local = FramedRegion.InProcess(host, FaultMode.Signal, options.Pages, run);
            using var isolated = FramedRegion.InAnother(host, FaultMode.Signal, options.Pages, run);
            orders.Add(MeasureOrders(run, local, isolated, stop));
        }

        var breaks = new List<BreakFigures>();
        foreach (var mode in Enum.GetValues<FaultMode>())
        {
            progress($"breaks, {mode}");
            using var local = FramedRegion.InProcess(host, mode, options.Pages, BreakRun);
            using var isolated = FramedRegion.InAnother(host, mode, options.Pages, BreakRun);
            breaks.Add(MeasureBreaks(mode, local, isolated, stop));
        }

        return (orders, breaks);
    }

    private OrderFigures MeasureOrders(int run, FramedRegion local, FramedRegion isolated, CancellationToken stop)
    {
        var (here, single, ring) = (new List<OrderTime>(), new List<OrderTime>(), new List<OrderTime>());
        for (var round = 0; round <= options.Repetitions; round++)
        {
            stop.ThrowIfCancellationRequested();
            here.Add(local.Merge(underWay: 1));
            local.BreakAll();
            single.Add(isolated.Merge(underWay: 1));
            isolated.BreakAll();
            ring.Add(isolated.Merge(RingNative.Orders));
            isolated.BreakAll();
        }

        return new OrderFigures(
            run, Median(here, static time => time.Wall), Median(here, static time => time.Cpu),
            Median(single, static time => time.Wall), Median(ring, static time => time.Wall),
            Median(ring, static time => time.Cpu));
    }

    private BreakFigures MeasureBreaks(
        FaultMode mode, FramedRegion local, FramedRegion isolated, CancellationToken stop)
    {
        var (here, there, touch) = (new List<StoreTimes>(), new List<StoreTimes>(), new List<StoreTimes>());
        for (var round = 0; round <= options.Repetitions; round++)
        {
            stop.ThrowIfCancellationRequested();
            local.Merge(underWay: 1);
            here.Add(local.TimeStores(options.Seed));
            local.BreakAll();
            isolated.Merge(RingNative.Orders);
            there.Add(isolated.TimeStores(options.Seed));
            isolated.BreakAll();
            touch.Add(isolated.TimeFirstTouches());
        }

        return new BreakFigures(mode, Median(here), Median(there), Median(touch));
    }

    /// <summary>In the middle of all but the first, which warmed up; nanoseconds a page.</summary>
    private double Median(IEnumerable<OrderTime> times, Func<OrderTime, TimeSpan> part) => Percentile.Of(
        times.Skip(1).Select(time => part(time).TotalNanoseconds / options.Pages).Order().ToArray(), 50);

    private static StoreTimes Median(IEnumerable<StoreTimes> times) =>
        Percentile.MedianBy(times.Skip(1), static time => time.P50Nanoseconds);
}

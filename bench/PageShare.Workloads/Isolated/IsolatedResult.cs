using System.Globalization;
using PageShare.Bench.Memory;
using PageShare.Cli;
using PageShare.Workloads.Reporting;

namespace PageShare.Workloads.Isolated;

/// <summary>What <c>isolated</c> was asked for.</summary>
/// <param name="TakeoverBytes">Of the guests that are taken over, all together.</param>
/// <param name="Pages">Pages that are merged, and broken, in one measurement.</param>
/// <param name="Repetitions">Measurements of each kind, of which the median counts.</param>
/// <param name="FaultMode">Of the guests that are taken over.</param>
/// <param name="Seed">Of contents and orders.</param>
internal sealed record IsolatedOptions(
    long TakeoverBytes, int Pages, int Repetitions, FaultMode FaultMode, ulong Seed);

/// <summary>Merge orders of one run length, nanoseconds a page.</summary>
/// <param name="RunPages">Pages of a run; a page that does not share lies behind each.</param>
/// <param name="Local">In the host's own process, by the clock.</param>
/// <param name="LocalCpu">The same, CPU time.</param>
/// <param name="OneByOne">Through a ring, each order waited for before the next is given, by the clock.</param>
/// <param name="Ring">Through a ring, as many orders under way as it holds, by the clock.</param>
/// <param name="RingCpu">The same, CPU time of host and agent together.</param>
internal sealed record OrderFigures(
    int RunPages, double Local, double LocalCpu, double OneByOne, double Ring, double RingCpu);

/// <summary>Stores that break sharing, of one fault mode.</summary>
/// <param name="FaultMode">The mode.</param>
/// <param name="Local">In the host's process.</param>
/// <param name="Isolated">In a guest's process.</param>
/// <param name="FirstTouch">First stores to anonymous memory in a guest's process: the limit.</param>
internal sealed record BreakFigures(FaultMode FaultMode, StoreTimes Local, StoreTimes Isolated, StoreTimes FirstTouch);

/// <summary>A host's death and what came after it; seconds since the kill.</summary>
/// <param name="Guests">How many.</param>
/// <param name="Bytes">Of all guests.</param>
/// <param name="PagesSharing">Users of frames beyond the first of each, when the host died.</param>
/// <param name="AnsweredSeconds">Until the new host answered; its start is in it.</param>
/// <param name="AttachedSeconds">Until it had all guests.</param>
/// <param name="MovedSeconds">Until no page showed an old frame.</param>
/// <param name="FreedSeconds">Until no process had the old store.</param>
/// <param name="ScannerCpuSeconds">Of the new host's scanner by then.</param>
internal sealed record TakeoverFigures(
    int Guests, long Bytes, long PagesSharing, double AnsweredSeconds, double AttachedSeconds, double MovedSeconds,
    double FreedSeconds, double ScannerCpuSeconds);

/// <summary>What <c>isolated</c> found.</summary>
internal sealed record IsolatedResult : WorkloadResult
{
    /// <inheritdoc/>
    public override string Workload => "isolated";

    /// <summary>Merge orders, by run length.</summary>
    public IReadOnlyList<OrderFigures> Orders { get; init; } = [];

    /// <summary>Breaks, by fault mode.</summary>
    public IReadOnlyList<BreakFigures> Breaks { get; init; } = [];

    /// <summary>The takeover; null without.</summary>
    public TakeoverFigures? Takeover { get; init; }

    /// <inheritdoc/>
    public override string Title => "guests in processes of their own";

    /// <inheritdoc/>
    public override IReadOnlyList<ResultTable> Tables =>
    [
        new(
            "Merge orders, ns a page; one by one and as many under way as the ring holds",
            [
                "pages of a run", "in process", "one by one", "x", "ring", "x", "pages/s", "CPU, in process",
                "CPU, ring", "x",
            ],
            [.. Orders.Select(Row)]),
        new(
            "A store that breaks sharing, p50 / p99 in us",
            ["fault mode", "first touch (limit)", "in the host's process", "in a guest's process", "x"],
            [.. Breaks.Select(Row)]),
        .. Takeover is { } takeover ? [TableOf(takeover)] : Array.Empty<ResultTable>(),
    ];

    private static string[] Row(OrderFigures figures) =>
    [
        figures.RunPages.ToString(CultureInfo.InvariantCulture),
        Figures.Short(figures.Local),
        Figures.Short(figures.OneByOne),
        Figures.Short(figures.OneByOne / figures.Local),
        Figures.Short(figures.Ring),
        Figures.Short(figures.Ring / figures.Local),
        Quantity.Count((long)(1e9 / figures.Ring)),
        Figures.Short(figures.LocalCpu),
        Figures.Short(figures.RingCpu),
        Figures.Short(figures.RingCpu / figures.LocalCpu),
    ];

    private static string[] Row(BreakFigures figures) =>
    [
        figures.FaultMode.ToString(),
        Text(figures.FirstTouch),
        Text(figures.Local),
        Text(figures.Isolated),
        Figures.Short((double)figures.Isolated.P50Nanoseconds / figures.Local.P50Nanoseconds),
    ];

    private static ResultTable TableOf(TakeoverFigures takeover) => new(
        $"A host is killed that shares {takeover.Guests} guests, {Quantity.Bytes(takeover.Bytes)} in all, of which "
        + $"{Quantity.Pages(takeover.PagesSharing)} are saved",
        ["seconds since the kill until", "s"],
        [
            ["the new host answers, its start included", Figures.Short(takeover.AnsweredSeconds)],
            ["it has all guests", Figures.Short(takeover.AttachedSeconds)],
            ["no page shows an old frame", Figures.Short(takeover.MovedSeconds)],
            ["no process has the old store", Figures.Short(takeover.FreedSeconds)],
            ["(CPU of its scanner by then)", Figures.Short(takeover.ScannerCpuSeconds)],
        ]);

    private static string Text(StoreTimes times) =>
        $"{Figures.Microseconds(times.P50Nanoseconds)} / {Figures.Microseconds(times.P99Nanoseconds)}";
}

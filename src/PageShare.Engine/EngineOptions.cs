using PageShare.Content;

namespace PageShare;

/// <summary>
/// All knobs of an engine. Immutable, so one instance may serve several engines; each default says why it is what it
/// is.
/// </summary>
public sealed record EngineOptions
{
    /// <summary>Most threads that scan.</summary>
    internal const int MostScannerThreads = 64;

    /// <summary>
    /// How stores to shared pages are caught in guests that do not say otherwise. Default
    /// <see cref="FaultMode.Signal"/>: it counts every break exactly and asks nothing of the kernel.
    /// <see cref="FaultMode.Kernel"/> breaks about three times faster and lets system calls write into shared pages.
    /// </summary>
    public FaultMode FaultMode { get; init; } = FaultMode.Signal;

    /// <summary>
    /// Gives each guest without <see cref="GuestOptions.Domain"/> a share domain of its own, so that it shares inside
    /// itself alone. Default <see langword="false"/>: guests of one process trust each other already, and most savings
    /// lie between guests. Set it where guests belong to different tenants.
    /// </summary>
    public bool DomainPerGuest { get; init; }

    /// <summary>Share domain of guests that name none. Default <c>default</c>; any non-empty name does.</summary>
    public string DefaultDomain { get; init; } = "default";

    /// <summary>
    /// Whether a background thread scans. Default <see langword="true"/>. Without it only
    /// <c>ScanOnce</c> merges anything, which tests and benchmarks want.
    /// </summary>
    public bool BackgroundScanning { get; init; } = true;

    /// <summary>
    /// Threads that scan, 1 to 64. Default 1: more of them read and hash pages side by side, but one alone compares, maps
    /// and frees, which is most of the work where there is much to share. More are for memory that is hashed again and
    /// again, where the system does not track writes, and for first passes over large guests, if one thread does not use up
    /// what memory can deliver. They sleep while there is nothing to read, and count in <see cref="CpuBudgetPercent"/> and
    /// in <c>scanCpuSeconds</c>.
    /// </summary>
    public int ScannerThreads { get; init; } = 1;

    /// <summary>
    /// Pages per second that the background scanner goes over while the machine is idle. Default 0: found from
    /// <see cref="TargetPassTime"/> and the guests' size, since no fixed number suits both 64 MiB and 64 GiB.
    /// <see cref="CpuBudgetPercent"/> bounds it in any case.
    /// </summary>
    public int PagesPerSecond { get; init; }

    /// <summary>
    /// Pages per second that are scanned even while the machine is busy, so that it never stops all sharing unnoticed:
    /// this many, or what a hundredth of a core pays for if that is more. Default 1,000: what that is where pages are
    /// dear.
    /// <see cref="CpuBudgetPercent"/> is a promise and bounds this floor too; so does a smaller
    /// <see cref="PagesPerSecond"/>. To stop scanning altogether, pause the engine.
    /// </summary>
    public int MinimumPagesPerSecond { get; init; } = 1000;

    /// <summary>
    /// Most CPU time of the background scanner, all its threads together, in percent of one core, measured as thread CPU
    /// time with native code included; at most 100 for each of <see cref="ScannerThreads"/>. Default 25: it scans some
    /// 250,000 pages (1 GiB) per second at about 1 µs a page, far more than <see cref="TargetPassTime"/> asks for on
    /// guests of a few gigabytes, and leaves three quarters of a core even on a machine that has but one.
    /// <c>ScanOnce</c> is not held to it.
    /// </summary>
    public double CpuBudgetPercent { get; init; } = 25;

    /// <summary>
    /// The machine counts as idle while at least this percentage of all its CPU time is idle; what the scanner itself
    /// uses counts as idle, what a hypervisor took away (steal) does not count at all. Default 50: half the machine is
    /// free, so a scanner on a fraction of one core takes nothing that anybody waits for. 0: always idle.
    /// </summary>
    public double IdleThresholdPercent { get; init; } = 50;

    /// <summary>
    /// How long a full pass over all guests should take at most; the scanner finds the rate by itself. Passes are
    /// quicker, down to a fortieth of this time, while memory changes, and where they cost under a hundredth of a core.
    /// Default 20 s, hence passes of half a second at the quickest: a page must be seen unchanged twice before it is
    /// merged, so memory that became equal again is shared a second or two later.
    /// </summary>
    public TimeSpan TargetPassTime { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>
    /// The machine counts as busy while tasks waited for a CPU for at least this percentage of the last ten seconds
    /// (<c>some avg10</c> of /proc/pressure/cpu), however idle it looks. Default 10: below it, waits are the noise of
    /// short bursts. Where the kernel has no pressure files, CPU idle time alone decides. Memory pressure does not
    /// count as busy: sharing is its remedy.
    /// </summary>
    public double PressureLimitPercent { get; init; } = 10;

    /// <summary>
    /// Scans at full rate whether the machine is idle or not. Default <see langword="false"/>: guests come first. The
    /// CPU budget holds all the same.
    /// </summary>
    public bool ScanWhenBusy { get; init; }

    /// <summary>
    /// Whether to have the kernel tell which pages were written since the last pass (userfaultfd and PAGEMAP_SCAN,
    /// Linux 6.7), where it can. Default true: a pass over memory that was not written then costs next to nothing. The
    /// price is about a microsecond at the first store to a page after each pass. False: every pass hashes all pages.
    /// </summary>
    public bool TrackWrites { get; init; } = true;

    /// <summary>
    /// Kernel mode: whether to have the kernel tell of each break when it happens (a perf event), where it may. Default
    /// true: breaks are counted at once, and all of them. The price is three quarters of a microsecond a break, a third of
    /// what it takes without. False: passes find them in the page table, as they do for guests in other processes; pages
    /// that are pinned or unshared after their break and before the next pass are not counted then.
    /// </summary>
    public bool CountBreaksAtOnce { get; init; } = true;

    /// <summary>
    /// For how many passes in a row a page's hash must have stayed the same before a merge is tried. Default 1 (seen
    /// twice, one pass apart), as KSM's: a page that changes within one pass would only be broken again.
    /// </summary>
    public int StablePasses { get; init; } = 1;

    /// <summary>
    /// Longest back-off, in passes, of a page that keeps breaking; it doubles with each break up to here. Default 64:
    /// such a page is tried again after half a minute while memory changes, and after some 20 minutes where passes take
    /// 20 s, so that even a merge in vain costs next to nothing.
    /// </summary>
    public int BackOffMaximumPasses { get; init; } = 64;

    /// <summary>
    /// Most mappings of this process that sharing may use. Default <see langword="null"/>: half of vm.max_map_count,
    /// less what the process already uses. The runtime itself needs mappings to compile code and to collect garbage,
    /// and dies without. 0: only zero pages are freed.
    /// </summary>
    public int? MappingBudget { get; init; }

    /// <summary>
    /// Spare mappings held back for breaks when the kernel allows no more. Default 64: one break needs at most two, so
    /// this serves dozens of threads that fault at once, at some 14 KiB of kernel memory.
    /// </summary>
    public int ReserveMappings { get; init; } = 64;

    /// <summary>
    /// How long a guest's store may wait for memory to break a shared page before that guest gets SIGBUS. Default 30 s:
    /// long enough for reclaim or a balloon to find memory, short enough for a watchdog to see a failure and not a
    /// hang.
    /// </summary>
    public TimeSpan BreakTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Signal mode: most pages that one store breaks. A writer that goes on from page to page breaks twice as many at each
    /// fault, up to here; one that stores here and there breaks single pages. Default 32: the price of a fault is then a
    /// tenth of what its pages cost, and more would gain little. Pages that the writer does not come to, never more than
    /// it has gone over, are memory lost until the scanner merges them again. 1: every page breaks by itself.
    /// </summary>
    public int MaximumBreakPages { get; init; } = 32;

    /// <summary>Checks every option.</summary>
    /// <exception cref="ArgumentOutOfRangeException">
    /// An option is outside what is allowed; the message names it, its value and the allowed range.
    /// </exception>
    public void Validate()
    {
        OptionRange.Require(Enum.IsDefined(FaultMode), FaultMode, "Signal or Kernel", nameof(FaultMode));
        OptionRange.Require(
            !string.IsNullOrWhiteSpace(DefaultDomain), DefaultDomain, "a non-empty name", nameof(DefaultDomain));
        OptionRange.Between(ScannerThreads, 1, MostScannerThreads, "threads", nameof(ScannerThreads));
        OptionRange.Between(PagesPerSecond, 0, int.MaxValue, "pages per second", nameof(PagesPerSecond));
        OptionRange.Between(MinimumPagesPerSecond, 1, int.MaxValue, "pages per second", nameof(MinimumPagesPerSecond));
        OptionRange.Between(CpuBudgetPercent, 0.1, 100 * ScannerThreads, "percent of one core", nameof(CpuBudgetPercent));
        OptionRange.Between(IdleThresholdPercent, 0, 100, "percent of CPU time", nameof(IdleThresholdPercent));
        OptionRange.Between(
            TargetPassTime, TimeSpan.FromMilliseconds(100), TimeSpan.FromDays(1), nameof(TargetPassTime));
        OptionRange.Between(PressureLimitPercent, 0.1, 100, "percent of time", nameof(PressureLimitPercent));
        OptionRange.Between(
            StablePasses, 1, PageRecords.MaximumStablePasses, "passes", nameof(StablePasses));
        OptionRange.Between(
            BackOffMaximumPasses, 1, 1 << PageRecords.MaximumBackOffLevel, "passes", nameof(BackOffMaximumPasses));
        OptionRange.Between(MappingBudget ?? 0, 0, int.MaxValue, "mappings, or null", nameof(MappingBudget));
        OptionRange.Between(ReserveMappings, 0, 1024, "mappings", nameof(ReserveMappings));
        OptionRange.Between(BreakTimeout, TimeSpan.FromMilliseconds(1), TimeSpan.FromHours(1), nameof(BreakTimeout));
        OptionRange.Between(MaximumBreakPages, 1, 512, "pages", nameof(MaximumBreakPages));
    }
}

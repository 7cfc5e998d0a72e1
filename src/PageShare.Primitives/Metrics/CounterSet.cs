using PageShare.Memory;

namespace PageShare.Metrics;

/// <summary>
/// What there is, what it saves and what it costs: of one guest, of a share domain, or of a whole engine.
/// </summary>
/// <remarks>
/// <para>
/// Plain data. Most are base figures that the engine fills in; <see cref="MappedBytes"/>, <see cref="SavedBytes"/>,
/// <see cref="SharingRatio"/> and <see cref="NetSavedBytes"/> are derived from them here and nowhere else. Where Linux
/// KSM has a counter of the same name it means the same (Documentation/admin-guide/mm/ksm.rst).
/// </para>
/// <para>
/// Guests reconcile with their domain, and domains with the engine, by addition. So that they do, a frame counts as
/// <see cref="PagesShared"/> with the first guest of its domain that maps it, and every other page that maps it counts
/// as <see cref="PagesSharing"/> with its own guest: of any set, PagesShared + PagesSharing is the number of pages that
/// map a frame. What belongs to no guest (free frames, the index) is added by domain or engine.
/// </para>
/// </remarks>
public sealed record CounterSet
{
    /// <summary>Pages of the guests' memory.</summary>
    public long PagesTotal { get; init; }

    /// <summary>Pages ever written by the guest, whether they have memory of their own now or not.</summary>
    public long PagesPopulated { get; init; }

    /// <summary>Of the populated pages, those that are all zero and have no memory now.</summary>
    public long ZeroPages { get; init; }

    /// <summary>
    /// Frames that pages map; KSM's pages_shared. When mappings are short, a frame may have one user alone, and a content
    /// more than one frame: these count as any.
    /// </summary>
    public long PagesShared { get; init; }

    /// <summary>Pages that map a frame, beyond the first of each frame; KSM's pages_sharing.</summary>
    public long PagesSharing { get; init; }

    /// <summary>Pages that were looked at, did not change, and have no equal; KSM's pages_unshared.</summary>
    public long PagesUnshared { get; init; }

    /// <summary>Pages that changed too often to be shared; KSM's pages_volatile.</summary>
    public long PagesVolatile { get; init; }

    /// <summary>
    /// Memory in use, by the kernel's account: allocated blocks of backings and frame stores, plus anonymous copies. A
    /// guest has 1/n of each frame that n pages map, once for each of its pages.
    /// </summary>
    public long ResidentBytes { get; init; }

    /// <summary>
    /// <see cref="MappedBytes"/> − <see cref="ResidentBytes"/>: populated memory that the kernel does not have to
    /// provide, zero pages included. Below zero if there is more memory than was written.
    /// </summary>
    public long SavedBytes => MappedBytes - ResidentBytes;

    /// <summary><see cref="SavedBytes"/> / <see cref="MappedBytes"/>; 0 while nothing is populated.</summary>
    public double SharingRatio => MappedBytes == 0 ? 0 : (double)SavedBytes / MappedBytes;

    /// <summary>
    /// <see cref="SavedBytes"/> − <see cref="MetadataBytes"/> − <see cref="KernelTableBytes"/>: below zero if sharing
    /// costs more than it gains.
    /// </summary>
    public long NetSavedBytes => SavedBytes - MetadataBytes - KernelTableBytes;

    /// <summary>Memory of PageShare's own tables: page words, hashes, index, reverse maps, bitmaps, rings.</summary>
    public long MetadataBytes { get; init; }

    /// <summary>
    /// Kernel memory of sharing: page tables of the host's views, and 220 bytes for each mapping used.
    /// </summary>
    public long KernelTableBytes { get; init; }

    /// <summary>
    /// <see cref="PagesPopulated"/> × 4096: what the guest has written and so believes to have, as ESX counts mapped
    /// memory.
    /// </summary>
    public long MappedBytes => PagesPopulated * PageSize.Bytes;

    /// <summary>
    /// Memory that the guest is charged for by the page tables: a page of its own in full, a page that n pages share by
    /// 1/n, a zero page not at all. <see cref="ConsumedBytesOf"/> is the formula. Beside
    /// <see cref="ResidentBytes"/> it shows what the kernel holds without a page to show for it.
    /// </summary>
    public long ConsumedBytes { get; init; }

    /// <summary>Pages written lately, times 4096. Reads are not seen.</summary>
    public long ActiveBytes { get; init; }

    /// <summary>Size of the guests' memory, written or not, divided by the host's memory.</summary>
    public double OvercommitFactor { get; init; }

    /// <summary>Pages that the scanner has gone over since the start.</summary>
    public long PagesScanned { get; init; }

    /// <summary>Full passes since the start; KSM's full_scans. A set of several has the largest.</summary>
    public long FullScans { get; init; }

    /// <summary>Pages per second that the scanner went over lately.</summary>
    public double ScanPagesPerSecond { get; init; }

    /// <summary>CPU seconds of scanners, agents and helpers since the start, native code included.</summary>
    public double ScanCpuSeconds { get; init; }

    /// <summary>
    /// CPU seconds of the whole process since it started. Only the engine has it: 0 in guests and domains.
    /// </summary>
    public double CpuSecondsTotal { get; init; }

    /// <summary>
    /// Orders to guests in other processes that were not answered in time since the start: their process was stopped,
    /// or had no CPU. 0 for guests of this process.
    /// </summary>
    public long OrdersLate { get; init; }

    /// <summary>Pages merged since the start, those that became holes included.</summary>
    public long Merges { get; init; }

    /// <summary>Pages sealed but not merged since the start: written meanwhile, pinned, or without a mapping.</summary>
    public long MergesAbandoned { get; init; }

    /// <summary>Pages of equal hash that differed under seal since the start, without a write to explain it.</summary>
    public long HashCollisions { get; init; }

    /// <summary>Stores that waited for a seal or a remap since the start.</summary>
    public long SealWaits { get; init; }

    /// <summary>How long they waited.</summary>
    public LatencySummary SealWaitNanoseconds { get; init; }

    /// <summary>Stores that broke sharing since the start: one a fault, however many pages it gave back.</summary>
    public long CowFaults { get; init; }

    /// <summary>The same per second, lately.</summary>
    public double CowFaultsPerSecond { get; init; }

    /// <summary>
    /// How long such a store took, from the handler's entry to its return. Empty in Kernel mode, where the kernel
    /// breaks.
    /// </summary>
    public LatencySummary CowFaultNanoseconds { get; init; }

    /// <summary>
    /// Pages that such stores gave back beside the one stored to since the start, for a writer that goes on from page to
    /// page: with <see cref="CowFaults"/>, all pages that stores have broken. 0 in Kernel mode.
    /// </summary>
    public long PagesBrokenAhead { get; init; }

    /// <summary>Breaks that had to wait for memory or for mappings since the start.</summary>
    public long BreaksStalled { get; init; }

    /// <summary>Mappings that guests' memory takes; of a domain or an engine, the sum.</summary>
    public long MappingsUsed { get; init; }

    /// <summary>
    /// Most mappings that guests' memory may take: <c>EngineOptions.MappingBudget</c>, or half of
    /// vm.max_map_count less what the rest of the process uses. One budget serves all guests.
    /// </summary>
    public long MappingsLimit { get; init; }

    /// <summary>
    /// (<paramref name="pagesPopulated"/> − <paramref name="zeroPages"/> − <paramref name="pagesOnFrames"/> +
    /// <paramref name="frameShares"/>) × 4096.
    /// </summary>
    /// <param name="pagesPopulated">As <see cref="PagesPopulated"/>.</param>
    /// <param name="zeroPages">As <see cref="ZeroPages"/>.</param>
    /// <param name="pagesOnFrames">Pages that map a frame: PagesShared + PagesSharing.</param>
    /// <param name="frameShares">
    /// Sum over those pages of 1/n, where n pages map the same frame. In a whole domain it is the number of frames.
    /// </param>
    public static long ConsumedBytesOf(long pagesPopulated, long zeroPages, long pagesOnFrames, double frameShares) =>
        ((pagesPopulated - zeroPages - pagesOnFrames) * PageSize.Bytes)
        + (long)Math.Round(frameShares * PageSize.Bytes);

    /// <summary>
    /// Adds up guests to their domain, or domains to their engine. Passes and limits are not amounts: of these the
    /// largest counts. Percentiles do not add up at all, hence the merged histograms.
    /// </summary>
    /// <param name="parts">What to add; none gives zeros.</param>
    /// <param name="sealWaits">The parts' merged latencies of waits for a seal.</param>
    /// <param name="cowFaults">The parts' merged latencies of breaks.</param>
    internal static CounterSet Sum(
        IEnumerable<CounterSet> parts, LatencyHistogram sealWaits, LatencyHistogram cowFaults)
    {
        var sum = new CounterSet();
        foreach (var part in parts)
        {
            sum = sum.Plus(part);
        }

        return sum with
        {
            SealWaitNanoseconds = sealWaits.Summarize(),
            CowFaultNanoseconds = cowFaults.Summarize(),
        };
    }

    private CounterSet Plus(CounterSet other) => new()
    {
        PagesTotal = PagesTotal + other.PagesTotal,
        PagesPopulated = PagesPopulated + other.PagesPopulated,
        ZeroPages = ZeroPages + other.ZeroPages,
        PagesShared = PagesShared + other.PagesShared,
        PagesSharing = PagesSharing + other.PagesSharing,
        PagesUnshared = PagesUnshared + other.PagesUnshared,
        PagesVolatile = PagesVolatile + other.PagesVolatile,
        ResidentBytes = ResidentBytes + other.ResidentBytes,
        MetadataBytes = MetadataBytes + other.MetadataBytes,
        KernelTableBytes = KernelTableBytes + other.KernelTableBytes,
        ConsumedBytes = ConsumedBytes + other.ConsumedBytes,
        ActiveBytes = ActiveBytes + other.ActiveBytes,
        OvercommitFactor = OvercommitFactor + other.OvercommitFactor,
        PagesScanned = PagesScanned + other.PagesScanned,
        FullScans = Math.Max(FullScans, other.FullScans),
        ScanPagesPerSecond = ScanPagesPerSecond + other.ScanPagesPerSecond,
        ScanCpuSeconds = ScanCpuSeconds + other.ScanCpuSeconds,
        CpuSecondsTotal = CpuSecondsTotal + other.CpuSecondsTotal,
        OrdersLate = OrdersLate + other.OrdersLate,
        Merges = Merges + other.Merges,
        MergesAbandoned = MergesAbandoned + other.MergesAbandoned,
        HashCollisions = HashCollisions + other.HashCollisions,
        SealWaits = SealWaits + other.SealWaits,
        CowFaults = CowFaults + other.CowFaults,
        CowFaultsPerSecond = CowFaultsPerSecond + other.CowFaultsPerSecond,
        PagesBrokenAhead = PagesBrokenAhead + other.PagesBrokenAhead,
        BreaksStalled = BreaksStalled + other.BreaksStalled,
        MappingsUsed = MappingsUsed + other.MappingsUsed,
        MappingsLimit = Math.Max(MappingsLimit, other.MappingsLimit),
    };
}

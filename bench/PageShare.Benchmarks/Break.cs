using BenchmarkDotNet.Attributes;
using PageShare.Benchmarks.Memory;
using PageShare.Memory;

namespace PageShare.Benchmarks;

/// <summary>
/// A guest's store to a shared page, until it can go on. Limit: the first store to a page of anonymous memory, for
/// which the kernel finds and clears a page; a break has to find and copy one.
/// </summary>
/// <remarks>
/// One store a page, page after page or in random order, to pages that the guest has read before. Lone: each page
/// breaks by itself. Widened: as the engine does by default, a writer that goes on breaks several at a fault. KSM's break is there if KSM may be used here: see <see cref="KsmPages"/>.
/// </remarks>
public unsafe class Break
{
    private const int Pages = 1 << 13;
    private const int RunLength = 512;

    private readonly int[] _random = new SeededRandom(9).Order(Pages);
    private readonly int[] _ascending = [.. Enumerable.Range(0, Pages)];
    private PageBuffer _anonymous = null!;
    private FramedGuest _guest = null!;
    private KsmPages _ksm = null!;
    private int[] _order = [];

    [GlobalSetup(Target = nameof(FirstTouch))]
    public void SetUpAnonymous() => _anonymous = new PageBuffer(Pages);

    [GlobalSetup(Target = nameof(SignalLoneSequential))]
    public void SetUpSignalLoneSequential() => SetUp(FaultMode.Signal, _ascending);

    [GlobalSetup(Target = nameof(SignalLoneRandom))]
    public void SetUpSignalLoneRandom() => SetUp(FaultMode.Signal, _random);

    [GlobalSetup(Target = nameof(SignalWidenedSequential))]
    public void SetUpSignalWidenedSequential() =>
        SetUp(FaultMode.Signal, _ascending, new EngineOptions().MaximumBreakPages);

    [GlobalSetup(Target = nameof(KernelSequential))]
    public void SetUpKernelSequential() => SetUp(FaultMode.Kernel, _ascending);

    [GlobalSetup(Target = nameof(KernelRandom))]
    public void SetUpKernelRandom() => SetUp(FaultMode.Kernel, _random);

    [GlobalSetup(Target = nameof(KsmSequential))]
    public void SetUpKsm() => _ksm = new KsmPages(Pages);

    [GlobalCleanup]
    public void TearDown()
    {
        _anonymous?.Dispose();
        _guest?.Dispose();
        _ksm?.Dispose();
    }

    [IterationSetup(Target = nameof(FirstTouch))]
    public void DropAnonymous() => _anonymous.Drop();

    [IterationSetup(Targets =
    [
        nameof(SignalLoneSequential), nameof(SignalLoneRandom), nameof(SignalWidenedSequential),
        nameof(KernelSequential), nameof(KernelRandom),
    ])]
    public ulong Share()
    {
        _guest.Break();
        _guest.Merge();
        return _guest.ReadSharing();
    }

    [IterationSetup(Target = nameof(KsmSequential))]
    public void ShareByKsm() => _ksm.Merge();

    [Benchmark(Baseline = true, OperationsPerInvoke = Pages)]
    public void FirstTouch() => Floor.Touch(_anonymous.Start, _ascending);

    [Benchmark(OperationsPerInvoke = Pages)]
    public void SignalLoneSequential() => Floor.Touch(_guest.Start, _order);

    [Benchmark(OperationsPerInvoke = Pages)]
    public void SignalLoneRandom() => Floor.Touch(_guest.Start, _order);

    [Benchmark(OperationsPerInvoke = Pages)]
    public void SignalWidenedSequential() => Floor.Touch(_guest.Start, _order);

    [Benchmark(OperationsPerInvoke = Pages)]
    public void KernelSequential() => Floor.Touch(_guest.Start, _order);

    [Benchmark(OperationsPerInvoke = Pages)]
    public void KernelRandom() => Floor.Touch(_guest.Start, _order);

    [Benchmark(OperationsPerInvoke = Pages)]
    public void KsmSequential() => Floor.Touch(_ksm.Start, _ascending);

    private void SetUp(FaultMode mode, int[] order, int breakPages = 1)
    {
        _guest = new FramedGuest(mode, Pages, RunLength, breakPages);
        _order = [.. order.Select(i => _guest.Sharing[i])];
    }
}

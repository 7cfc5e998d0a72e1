using BenchmarkDotNet.Attributes;
using PageShare.Benchmarks.Memory;
using PageShare.Content;
using PageShare.Memory;

namespace PageShare.Benchmarks;

/// <summary>
/// A full pass of the scanner over half a GiB, each as time a page of it. Limit: XxHash3 over the same memory, in the
/// guest's own mapping, on one thread.
/// </summary>
/// <remarks>
/// The first pass is over unique memory that the guest has written and nobody looked at. Later ones are over the same
/// memory: unwritten since; with one page in a hundred written; without help from the kernel, so that all is hashed
/// again. Merging is the second pass over two guests with equal contents; the last one a pass over these, merged.
/// </remarks>
public unsafe class ScanPass
{
    private const int Pages = 1 << 17;
    private const int WrittenEvery = 100;

    private PageShareEngine _engine = null!;
    private Guest[] _guests = [];

    [GlobalSetup(Targets = [nameof(Hash), nameof(Unwritten), nameof(OneInHundredWritten)])]
    public void SetUpTracked() => SetUpUnique(tracks: true, passes: 3);

    [GlobalSetup(Target = nameof(Rehash))]
    public void SetUpUntracked() => SetUpUnique(tracks: false, passes: 3);

    [GlobalSetup(Target = nameof(UnwrittenShared))]
    public void SetUpShared() => SetUpPairs(passes: 4);

    [IterationSetup(Target = nameof(First))]
    public void SetUpFirst()
    {
        _engine?.Dispose();
        SetUpUnique(tracks: true, passes: 0);
    }

    [IterationSetup(Target = nameof(Merging))]
    public void SetUpMerging()
    {
        _engine?.Dispose();
        SetUpPairs(passes: 1);
    }

    [IterationSetup(Target = nameof(OneInHundredWritten))]
    public void WriteSome()
    {
        for (var page = 0; page < Pages; page += WrittenEvery)
        {
            _guests[0].Pointer[((long)page * PageSize.Bytes) + 8]++;
        }
    }

    [GlobalCleanup]
    public void TearDown() => _engine.Dispose();

    [Benchmark(Baseline = true, OperationsPerInvoke = Pages)]
    public uint Hash()
    {
        var hasher = new XxHash3PageHasher(seed: 42);
        var all = 0u;
        for (var page = 0; page < Pages; page++)
        {
            all ^= hasher.Hash(_guests[0].AsSpan((long)page * PageSize.Bytes, PageSize.Bytes));
        }

        return all;
    }

    [Benchmark(OperationsPerInvoke = Pages)]
    public PassReport First() => _engine.ScanOnce();

    [Benchmark(OperationsPerInvoke = Pages)]
    public PassReport Rehash() => _engine.ScanOnce();

    [Benchmark(OperationsPerInvoke = Pages)]
    public PassReport OneInHundredWritten() => _engine.ScanOnce();

    [Benchmark(OperationsPerInvoke = Pages)]
    public PassReport Unwritten() => _engine.ScanOnce();

    [Benchmark(OperationsPerInvoke = Pages)]
    public PassReport Merging() => _engine.ScanOnce();

    [Benchmark(OperationsPerInvoke = Pages)]
    public PassReport UnwrittenShared() => _engine.ScanOnce();

    private void SetUpUnique(bool tracks, int passes)
    {
        Start(tracks);
        _guests = [Fill("unique", Pages)];
        Scan(passes);
    }

    private void SetUpPairs(int passes)
    {
        Start(tracks: true);
        _guests = [Fill("one", Pages / 2), Fill("other", Pages / 2)];
        Scan(passes);
    }

    private void Start(bool tracks) => _engine = PageShareEngine.Start(
        new EngineOptions { BackgroundScanning = false, TrackWrites = tracks });

    private Guest Fill(string name, int pages)
    {
        var guest = _engine.CreateGuest(name, (long)pages * PageSize.Bytes);
        var filler = new PageFiller(seed: 1);
        for (var page = 0; page < pages; page++)
        {
            // SAFETY: inside the guest, which lives until the engine is disposed.
            filler.Fill(guest.Pointer + ((long)page * PageSize.Bytes), (ulong)page);
        }

        return guest;
    }

    private void Scan(int passes)
    {
        for (var i = 0; i < passes; i++)
        {
            _engine.ScanOnce();
        }
    }
}

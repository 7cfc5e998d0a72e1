using System.Globalization;
using PageShare.Platform;

namespace PageShare.CrashProbe.Oracle;

/// <summary>
/// Guests, writers, passes on two threads, garbage collections, and memory that is adopted and given back over and
/// over, where the system can do that: all at once. Every byte must be what its writer wrote last.
/// </summary>
internal sealed unsafe class OracleRun : IDisposable
{
    private const int AdoptedPages = 64;
    private const int OperationsPerCollection = 100;

    private readonly List<Thread> _threads = [];
    private readonly byte* _adoptable;
    private Exception? _failure;
    private int _writersLeft;
    private long _passes;
    private long _merges;
    private long _breaks;
    private long _operations;

    public OracleRun(OracleSettings settings)
    {
        Settings = settings;
        Engine = PageShareEngine.Start(new EngineOptions
        {
            FaultMode = settings.Modes[0],
            ScanWhenBusy = true,
            PagesPerSecond = 1_000_000,
            CpuBudgetPercent = 50,
            ScannerThreads = settings.ScannerThreads,
            BackOffMaximumPasses = 1,
        });
        for (var i = 0; i < settings.Guests; i++)
        {
            Memories.Add(MakeGuest(i));
        }

        _adoptable = PlainMemory.Map(AdoptedPages * BusyGuests.PageBytes);
        var owners = new PageOwners(settings.Seed, settings.Writers, AdoptedPages);
        Memories.Add(new MirroredMemory("adopted", _adoptable, AdoptedPages, AdoptedPages, owners, guest: null));
    }

    public OracleSettings Settings { get; }

    public PageShareEngine Engine { get; }

    public PagePalette Palette { get; } = new();

    /// <summary>What all writers write to.</summary>
    public List<MirroredMemory> Memories { get; } = [];

    /// <summary>Whether somebody has failed.</summary>
    public bool HasEnded => Volatile.Read(ref _failure) is not null;

    /// <summary>Whether too little has happened yet for the run to prove much, as on a busy machine.</summary>
    public bool NeedsMore =>
        Interlocked.Read(ref _passes) < Settings.Passes
        || Interlocked.Read(ref _merges) < Settings.Merges
        || Interlocked.Read(ref _breaks) < Settings.Breaks;

    private static bool CanAdopt { get; } = HostPlatform.Create().WhyNoAdoption is null;

    private bool IsWriting => Volatile.Read(ref _writersLeft) > 0 && !HasEnded;

    /// <summary>Another operation was done.</summary>
    public void CountOperation() => Interlocked.Increment(ref _operations);

    /// <summary>Runs it to its end.</summary>
    /// <returns>What was done, in a line.</returns>
    /// <exception cref="ProbeFailedException">A byte was not what it should be, or something else went
    /// wrong.</exception>
    public string Run()
    {
        var numbers = Enumerable.Range(0, Settings.Writers);
        OracleWriter[] writers = [.. numbers.Select(number => new OracleWriter(this, number))];
        _writersLeft = writers.Length;
        foreach (var writer in writers)
        {
            Begin(() => Write(writer));
        }

        Begin(ScanWhileWriting);
        Begin(AdoptWhileWriting);
        Begin(CollectWhileWriting);
        _threads.ForEach(static thread => thread.Join());
        if (_failure is null)
        {
            Array.ForEach(writers, static writer => writer.Dispose());
            Memories[0].Memory[0] ^= (byte)(Settings.CorruptsOneByte ? 0x80 : 0);
            CheckEverything();
        }

        return _failure is null
            ? Summary()
            : throw (_failure as ProbeFailedException ?? new ProbeFailedException(_failure.ToString()));
    }

    public void Dispose()
    {
        Engine.Dispose();
        Memories.ForEach(static memory => memory.Dispose());
        PlainMemory.Unmap(_adoptable, AdoptedPages * BusyGuests.PageBytes);
        Palette.Dispose();
    }

    private MirroredMemory MakeGuest(int index)
    {
        var name = $"guest-{index}";
        var guest = Engine.CreateGuest(name, (long)Settings.Pages * BusyGuests.PageBytes, new GuestOptions
        {
            FaultMode = Settings.Modes[index % Settings.Modes.Count],
            MaximumBytes = 2L * Settings.Pages * BusyGuests.PageBytes,
        });
        var owners = new PageOwners(unchecked(Settings.Seed + index), Settings.Writers, 2 * Settings.Pages);
        return new MirroredMemory(name, guest.Pointer, Settings.Pages, 2 * Settings.Pages, owners, guest);
    }

    private void Write(OracleWriter writer)
    {
        try
        {
            writer.Run();
        }
        finally
        {
            Interlocked.Decrement(ref _writersLeft);
        }
    }

    private void ScanWhileWriting()
    {
        while (IsWriting)
        {
            Scan();
        }
    }

    private void Scan()
    {
        var pass = Engine.ScanOnce();
        Interlocked.Add(ref _merges, pass.PagesMerged);
        Interlocked.Add(ref _breaks, pass.PagesBroken);
        Interlocked.Increment(ref _passes);
    }

    /// <summary>
    /// Memory becomes a guest, is shared perhaps, and is given back, while writers go on as if nothing were.
    /// </summary>
    private void AdoptWhileWriting()
    {
        for (var i = 0; IsWriting && CanAdopt; i++)
        {
            var options = new GuestOptions { FaultMode = Settings.Modes[i % Settings.Modes.Count] };
            using var guest = Engine.Adopt(_adoptable, AdoptedPages * BusyGuests.PageBytes, $"adopted-{i}", options);
            for (var until = Interlocked.Read(ref _passes) + 3; IsWriting && Interlocked.Read(ref _passes) < until;)
            {
                Scan();
            }
        }
    }

    /// <summary>As fast as operations go. Back to back collections would leave these no time.</summary>
    private void CollectWhileWriting()
    {
        for (var i = 0; IsWriting; i++)
        {
            var garbage = new object[200];
            for (var k = 0; k < garbage.Length; k++)
            {
                garbage[k] = new byte[k * 16];
            }

            GC.Collect(i % 3, i % 4 == 0 ? GCCollectionMode.Optimized : GCCollectionMode.Forced, blocking: i % 5 != 0);
            for (var until = Interlocked.Read(ref _operations) + OperationsPerCollection;
                IsWriting && Interlocked.Read(ref _operations) < until;)
            {
                Thread.Yield();
            }
        }
    }

    private void CheckEverything()
    {
        Memories.ForEach(static memory => memory.CheckAll("the check at the end"));
        Engine.ScanOnce();
        Engine.ScanOnce();
        Memories.ForEach(static memory => memory.CheckAll("the check after the last pass"));
        Engine.UnshareAll();
        Memories.ForEach(static memory => memory.CheckAll("the check after unsharing all"));
    }

    /// <summary>A run in which nothing was shared or broken would prove nothing.</summary>
    private string Summary()
    {
        var counters = Engine.Snapshot().Totals;
        ProbeFailedException.ThrowIf(NeedsMore, $"Only {_passes} passes, {_merges} merges and {_breaks} breaks.");
        return string.Create(CultureInfo.InvariantCulture,
            $"{Settings.Writers} x {Settings.Operations} operations, {counters.FullScans} passes, "
            + $"{counters.Merges} merges, {counters.MergesAbandoned} abandoned, {counters.CowFaults} breaks, "
            + $"{counters.SealWaits} waits, {GC.CollectionCount(2)} full collections, server GC: {System.Runtime.GCSettings.IsServerGC}");
    }

    private void Begin(Action work)
    {
        var thread = new Thread(() =>
        {
            try
            {
                work();
            }
            catch (Exception failure)
            {
                Interlocked.CompareExchange(ref _failure, failure, null);
            }
        });
        thread.Start();
        _threads.Add(thread);
    }
}

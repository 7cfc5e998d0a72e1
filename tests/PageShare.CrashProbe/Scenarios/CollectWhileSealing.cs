using PageShare.TestKit.Proof;

namespace PageShare.CrashProbe.Scenarios;

/// <summary>
/// Garbage collections, passes and stores to the pages that are being sealed, all at once. A collection stops every
/// managed thread where it stands: if anything that a faulting thread waits for were done by a managed thread, this
/// would stand still for ever, and whoever started it has set a deadline.
/// </summary>
internal static unsafe class CollectWhileSealing
{
    private const int Pages = 128;

    public static int Run(ProbeArguments arguments)
    {
        var passes = arguments.Number("passes", Wine.Else(2000, here: 100));
        using var engine = PageShareEngine.Start(new EngineOptions
        {
            FaultMode = arguments.RequiredEngine,
            BackgroundScanning = false,
            BackOffMaximumPasses = 1,
        });
        using var guest = engine.CreateGuest("guest", Pages * BusyGuests.PageBytes);
        var stopping = false;
        var passesMade = 0;
        Thread[] threads =
        [
            new(() => StoreWhile(ref stopping, guest.Pointer, 0)),
            new(() => StoreWhile(ref stopping, guest.Pointer, 1)),
            new(() => CollectWhile(ref stopping, ref passesMade)),
        ];
        Array.ForEach(threads, static thread => thread.Start());
        var merged = 0L;
        for (var i = 0; i < passes || merged == 0; i++)
        {
            // More passes than that where the writers are so quick that none has met equal pages yet.
            merged += engine.ScanOnce().PagesMerged;
            Volatile.Write(ref passesMade, i);
        }

        Volatile.Write(ref stopping, true);
        Array.ForEach(threads, static thread => thread.Join());
        var counters = engine.Snapshot().Totals;
        Console.WriteLine(
            $"All {passes} passes, {merged} merges, {counters.CowFaults} breaks, {counters.SealWaits} waits, "
            + $"{GC.CollectionCount(0)} collections");
        return ProbeExit.Done;
    }

    /// <summary>The same content in all pages most of the time, and each thread stores to every second page.</summary>
    private static void StoreWhile(ref bool stopping, byte* memory, int first)
    {
        for (var round = 0; !Volatile.Read(ref stopping); round++)
        {
            for (var page = first; page < Pages; page += 2)
            {
                Volatile.Write(ref memory[(page * BusyGuests.PageBytes) + 100], (byte)(round / 64));
            }
        }
    }

    /// <summary>At least one collection in each pass. Back to back they would leave the others no time.</summary>
    private static void CollectWhile(ref bool stopping, ref int passesMade)
    {
        var survivors = new byte[64][];
        for (var round = 0; !Volatile.Read(ref stopping); round++)
        {
            survivors[round % survivors.Length] = new byte[1000 + (round % 2000)];
            GC.Collect(round % 3, GCCollectionMode.Forced, blocking: round % 5 != 0, compacting: round % 7 == 0);
            while (Volatile.Read(ref passesMade) < round && !Volatile.Read(ref stopping))
            {
                Thread.Yield();
            }
        }

        GC.KeepAlive(survivors);
    }
}

using PageShare.TestKit;

namespace PageShare.CrashProbe.Scenarios;

/// <summary>Signal handlers of others, installed before the engine's or in its place.</summary>
internal static unsafe class ForeignHandlers
{
    private const int Rounds = 50;

    /// <summary>
    /// A handler that was there first gets its own faults, and only these: those of guests are served, and those of
    /// null references go on to the runtime.
    /// </summary>
    public static int Before(ProbeArguments arguments)
    {
        Foreign.Load(arguments);
        ProbeFailedException.ThrowIf(Foreign.Install() != 0, "The handler cannot be installed.");
        using var busy = BusyGuests.Start(arguments.Engine)?.KeepWorking();
        for (var i = 0; i < Rounds; i++)
        {
            OrdinaryCrashes.StoreTo(Foreign.Arm());
        }

        var caught = OrdinaryCrashes.CaughtNulls(new ProbeArguments(["--threads", "1", "--count", "50"]));
        busy?.Stop();
        busy?.Check();
        Console.WriteLine($"trapped {Foreign.Trapped()} of {Rounds}");
        return caught;
    }

    /// <summary>
    /// A handler that took the engine's place: from the next pass on nothing is merged, nothing depends on a fault, and stores go
    /// on as if there were no engine. A fault would end the process with exit code 77.
    /// </summary>
    public static int After(ProbeArguments arguments)
    {
        Foreign.Load(arguments);
        using var busy = BusyGuests.Start(arguments.RequiredEngine)!;
        ProbeFailedException.ThrowIf(busy.Engine.Snapshot().Warnings.Length > 0, "There is a warning too early.");
        Replace();
        busy.Engine.ScanOnce();
        RequireWarning(busy.Engine);
        RequireUnshared(busy.Guests);
        busy.StoreEverywhere();
        busy.KeepWorking();
        for (var i = 0; i < 20; i++)
        {
            var merged = busy.Engine.ScanOnce().PagesMerged;
            ProbeFailedException.ThrowIf(merged > 0, $"{merged} pages were merged without a handler.");
        }

        busy.Stop();
        busy.Check();
        RequireUnshared(busy.Guests);
        RequireWarning(busy.Engine);
        return ProbeExit.Done;
    }

    /// <summary>
    /// The same, while the background scanner is in the middle of a pass that began before: it merges nothing any more.
    /// </summary>
    public static int AfterInMidPass(ProbeArguments arguments)
    {
        const int Pages = 8192;
        Foreign.Load(arguments);
        using var engine = PageShareEngine.Start(new EngineOptions
        {
            FaultMode = arguments.RequiredEngine,
            ScanWhenBusy = true,

            // Half a second a pass.
            PagesPerSecond = 2 * Pages,
            CpuBudgetPercent = 100,
        });
        using var guest = engine.CreateGuest("guest", Pages * BusyGuests.PageBytes);
        for (var page = 0; page < Pages; page++)
        {
            guest.AsSpan((long)page * BusyGuests.PageBytes, BusyGuests.PageBytes).Fill((byte)(1 + (page % 3)));
        }

        // Now all pages were looked at once, and the background's pass merges as it goes.
        engine.ScanOnce();
        SpinWait.SpinUntil(() => engine.Snapshot().Totals.PagesSharing > 0);
        Replace();
        engine.ScanOnce();
        RequireUnshared([guest]);
        var (scanned, merges) = (engine.Snapshot().Totals.PagesScanned, engine.Snapshot().Totals.Merges);
        SpinWait.SpinUntil(() => engine.Snapshot().Totals.PagesScanned > scanned + Pages);
        merges = engine.Snapshot().Totals.Merges - merges;
        ProbeFailedException.ThrowIf(merges > 0, $"A pass that was under way merged {merges} pages without a handler.");
        return ProbeExit.Done;
    }

    private static void Replace() =>
        ProbeFailedException.ThrowIf(Foreign.Replace() != 0, "The handler cannot be replaced.");

    private static void RequireWarning(PageShareEngine engine)
    {
        var warnings = engine.Snapshot().Warnings;
        ProbeFailedException.ThrowIf(
            !warnings.Any(static warning => warning.Contains("SIGSEGV", StringComparison.Ordinal)),
            $"No warning tells of the handler: [{string.Join(", ", warnings)}].");
    }

    /// <summary>Pages that break without a handler may stay shared; to break them ahead of time would take one.</summary>
    private static void RequireUnshared(IEnumerable<Guest> guests)
    {
        foreach (var guest in guests.Where(static guest => guest.FaultMode == FaultMode.Signal))
        {
            var sharing = PageWordText.CountSharing(guest);
            ProbeFailedException.ThrowIf(sharing > 0, $"{sharing} pages of guest '{guest.Name}' still share.");
        }
    }
}

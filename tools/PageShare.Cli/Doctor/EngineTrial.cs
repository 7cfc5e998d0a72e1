namespace PageShare.Cli.Doctor;

/// <summary>The last word on a machine: two small guests share for real, one writes, and both must hold what they
/// wrote.</summary>
internal static class EngineTrial
{
    private const int GuestPages = 16;
    private const int Passes = 4;
    private const int WrittenOffset = 3 * Quantity.PageBytes;

    /// <summary>Tries it in one fault mode.</summary>
    public static Finding Try(FaultMode mode)
    {
        string name = $"sharing, fault mode {mode}";
        try
        {
            string? failure = Share(mode, out string counting);
            return failure is null
                ? new Finding(
                    name, FindingState.Good, $"works, breaks counted by {counting}", "Equal pages were shared, written, and right.")
                : new Finding(name, FindingState.Unusable, "does not work", failure);
        }
        catch (Exception refused) when (refused is not OutOfMemoryException)
        {
            // The native library is loaded by a type initializer, whose own message says nothing.
            string reason = (refused as TypeInitializationException)?.InnerException?.Message ?? refused.Message;
            return new Finding(name, FindingState.Unusable, "does not work", reason);
        }
    }

    private static string? Share(FaultMode mode, out string counting)
    {
        using PageShareEngine engine = PageShareEngine.Start(new EngineOptions
        {
            BackgroundScanning = false,
            FaultMode = mode,
        });
        using Guest first = engine.CreateGuest("doctor-1", GuestPages * Quantity.PageBytes);
        using Guest second = engine.CreateGuest("doctor-2", GuestPages * Quantity.PageBytes);
        Write(first);
        Write(second);
        for (int pass = 0; pass < Passes; pass++)
        {
            engine.ScanOnce();
        }

        var shared = engine.Snapshot();
        counting = shared.BreakCounting;
        if (shared.Totals.SavedBytes < GuestPages * Quantity.PageBytes)
        {
            return $"Two equal guests of {GuestPages} pages were scanned {Passes} times, and "
                + $"{shared.Totals.SavedBytes} bytes were saved.";
        }

        byte before = second.AsSpan(WrittenOffset, 1)[0];
        byte written = (byte)~before;
        first.AsSpan(WrittenOffset, 1)[0] = written;
        return first.AsSpan(WrittenOffset, 1)[0] == written && second.AsSpan(WrittenOffset, 1)[0] == before
            ? null
            : "A write to a shared page was lost, or was seen by another guest.";
    }

    /// <summary>The same content in every guest, and no two equal pages in one.</summary>
    private static void Write(Guest guest)
    {
        for (int page = 0; page < GuestPages; page++)
        {
            guest.AsSpan(page * Quantity.PageBytes, Quantity.PageBytes).Fill((byte)(page + 1));
        }
    }
}

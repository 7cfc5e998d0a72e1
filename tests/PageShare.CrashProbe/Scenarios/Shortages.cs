using PageShare.Platform;
using PageShare.TestKit;

namespace PageShare.CrashProbe.Scenarios;

/// <summary>A process that runs out of something.</summary>
internal static unsafe class Shortages
{
    private const int MostDescriptors = 256;
    private const int TooManyOpenFiles = 24;

    /// <summary>
    /// With few descriptors left a guest can be made or it cannot, and then the exception says why, nothing leaks, and
    /// the guests that exist neither notice nor need any.
    /// </summary>
    public static int NoDescriptors(ProbeArguments arguments)
    {
        using var busy = BusyGuests.Start(arguments.RequiredEngine)!;
        Libc.LimitOpenDescriptors(MostDescriptors);
        var refused = 0;
        for (var free = 0; free <= 8; free++)
        {
            var taken = TakeAllBut(free);
            var before = Libc.CountOpenDescriptors(MostDescriptors);
            refused += CanMakeGuest(busy.Engine) ? 0 : 1;
            var after = Libc.CountOpenDescriptors(MostDescriptors);
            ProbeFailedException.ThrowIf(after != before, $"{before} descriptors became {after} with {free} left.");
            busy.StoreEverywhere();
            busy.ShareAgain();
            busy.Check();
            taken.ForEach(static descriptor => Libc.Close(descriptor));
        }

        ProbeFailedException.ThrowIf(refused is 0 or 9, $"{refused} of 9 guests were refused.");
        ProbeFailedException.ThrowIf(!CanMakeGuest(busy.Engine), "There are descriptors again, and yet no guest.");
        Console.WriteLine("refused and recovered");
        return ProbeExit.Done;
    }

    /// <summary>The background scanner, which nobody can catch an exception of, lives through the same.</summary>
    public static int NoDescriptorsForScanner(ProbeArguments arguments)
    {
        var time = new LeapingTime();
        var options = new EngineOptions
        {
            FaultMode = arguments.RequiredEngine,
            ScanWhenBusy = true,
            PagesPerSecond = 1_000_000,
        };
        using var engine = EngineOnOtherClock.Start(options, time);
        using var guest = engine.CreateGuest("guest", 64 * BusyGuests.PageBytes);
        guest.AsSpan().Fill(1);
        Libc.LimitOpenDescriptors(MostDescriptors);
        var taken = TakeAllBut(0);
        var sharing = PageWordText.CountSharing(guest);
        for (var i = 0; i < 3; i++)
        {
            // What is only done every few seconds is due now; a pass that merges anew has gone through that.
            time.Leap(TimeSpan.FromMinutes(1));
            SpinWait.SpinUntil(() => PageWordText.CountSharing(guest) == 64);
            guest.AsSpan().Fill((byte)(2 + i));
        }

        taken.ForEach(static descriptor => Libc.Close(descriptor));
        Console.WriteLine("scanned on");
        return ProbeExit.Done;
    }

    /// <summary>
    /// Fills more memory than the process may have. Full of equal pages, a guest that is scanned in between has room
    /// for it; then all pages are made different.
    /// </summary>
    public static int MemoryLimit(ProbeArguments arguments)
    {
        const long BytesBetweenPasses = 16L << 20;
        var bytes = arguments.Number("megabytes", 64) * (1L << 20);
        using var engine = arguments.Engine is { } mode
            ? PageShareEngine.Start(new EngineOptions { FaultMode = mode, BackgroundScanning = false })
            : null;
        var memory = engine is null ? PlainMemory.Map(bytes) : engine.CreateGuest("guest", bytes).Pointer;
        for (var offset = 0L; offset < bytes; offset += BusyGuests.PageBytes)
        {
            // The same stretch over and over, so that sharing takes few mappings.
            *(long*)(memory + offset) = 1 + (offset % BytesBetweenPasses);
            if (offset % BytesBetweenPasses == 0)
            {
                engine?.ScanOnce();
                engine?.ScanOnce();
            }
        }

        Console.WriteLine("filled");
        for (var offset = 0L; offset < bytes; offset += BusyGuests.PageBytes)
        {
            *(long*)(memory + offset) = -1 - offset;
        }

        Console.WriteLine("written");
        return ProbeExit.Done;
    }

    private static bool CanMakeGuest(PageShareEngine engine)
    {
        try
        {
            // A domain of its own, which takes descriptors as well.
            using var guest = engine.CreateGuest("more", BusyGuests.PageBytes, new GuestOptions { Domain = "another" });
            guest.AsSpan()[0] = 1;
            return true;
        }
        catch (PlatformException refusal)
        {
            ProbeFailedException.ThrowIf(
                refusal.ErrorCode != TooManyOpenFiles
                || !refusal.Message.Contains("ulimit -n", StringComparison.Ordinal),
                $"The exception does not say what to do: {refusal.Message}");
            return false;
        }
    }

    private static List<int> TakeAllBut(int free)
    {
        List<int> taken = [];
        for (int next; (next = Libc.Duplicate(0)) >= 0;)
        {
            taken.Add(next);
        }

        taken.TakeLast(free).ToList().ForEach(static descriptor => Libc.Close(descriptor));
        return taken.SkipLast(free).ToList();
    }
}

using System.Runtime.InteropServices;
using PageShare.TestKit;

namespace PageShare.CrashProbe;

/// <summary>
/// Two guests that share pages, and threads that keep breaking the sharing while passes restore it: what goes on beside
/// every scenario.
/// </summary>
internal sealed unsafe class BusyGuests : IDisposable
{
    public const int PageBytes = 4096;
    public const int Pages = 256;

    private readonly List<Thread> _threads = [];
    private volatile bool _stopping;

    private BusyGuests(PageShareEngine engine)
    {
        Engine = engine;
        Guests = [.. new[] { "first", "second" }.Select(name => engine.CreateGuest(name, Pages * PageBytes))];
        foreach (var guest in Guests)
        {
            for (var page = 0; page < Pages; page++)
            {
                Fill(guest, page);
            }
        }
    }

    public PageShareEngine Engine { get; }

    public Guest[] Guests { get; }

    /// <summary>
    /// Makes the guests and has them share. Null without an engine: the scenario runs alone then, to compare with.
    /// </summary>
    public static BusyGuests? Start(FaultMode? mode, bool isScanningInBackground = false)
    {
        if (mode is null)
        {
            return null;
        }

        var busy = new BusyGuests(PageShareEngine.Start(new EngineOptions
        {
            FaultMode = mode.Value,
            BackgroundScanning = isScanningInBackground,
            ScanWhenBusy = true,
            PagesPerSecond = 1_000_000,
            BackOffMaximumPasses = 1,
        }));
        busy.ShareAgain();
        return busy;
    }

    /// <summary>
    /// Has passes made until most pages share; fails if they don't, since the scenario would prove nothing.
    /// </summary>
    public void ShareAgain()
    {
        const int MostPasses = 8;
        var sharing = 0;
        for (var i = 0; i < MostPasses && sharing < Pages; i++)
        {
            Engine.ScanOnce();
            sharing = Guests.Sum(static guest => PageWordText.CountSharing(guest));
        }

        ProbeFailedException.ThrowIf(sharing < Pages, $"Only {sharing} pages share a frame after {MostPasses} passes.");
    }

    /// <summary>
    /// Starts a thread that stores to shared pages, and one that scans, for as long as the process or this lives.
    /// </summary>
    public BusyGuests KeepWorking()
    {
        Begin(StoreUntilStopped);
        Begin(() =>
        {
            while (!_stopping)
            {
                Engine.ScanOnce();
            }
        });
        return this;
    }

    /// <summary>Stops the threads. The guests' bytes are what they were at the start then.</summary>
    public void Stop()
    {
        _stopping = true;
        _threads.ForEach(static thread => thread.Join());
        _threads.Clear();
        _stopping = false;
    }

    /// <summary>Checks every byte; nobody may be storing.</summary>
    public void Check()
    {
        foreach (var guest in Guests)
        {
            for (var page = 0; page < Pages; page++)
            {
                var words = Words(guest, page);
                var wrong = words.IndexOfAnyExcept(ContentOf(page));
                ProbeFailedException.ThrowIf(wrong >= 0,
                    $"Guest '{guest.Name}', page {page}, offset {wrong * sizeof(ulong)}: expected {ContentOf(page):x}, "
                    + $"found {words[Math.Max(wrong, 0)]:x}; page word {PageWordText.Of(guest, page)}.");
            }
        }
    }

    /// <summary>Stores to every page, and puts back what was there.</summary>
    public void StoreEverywhere()
    {
        foreach (var guest in Guests)
        {
            for (var page = 0; page < Pages; page++)
            {
                Volatile.Write(ref guest.Pointer[(page * PageBytes) + 8], 0xFF);
                Fill(guest, page);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Stop();
        Engine.Dispose();
    }

    /// <summary>
    /// Every eighth page is zero; of the others, four contents each fill half a dozen pages of each guest.
    /// </summary>
    private static ulong ContentOf(int page) => page % 8 == 0 ? 0 : 0x0101_0101_0101_0101UL * (ulong)(1 + (page / 8));

    private static void Fill(Guest guest, int page) => Words(guest, page).Fill(ContentOf(page));

    private static Span<ulong> Words(Guest guest, int page) =>
        MemoryMarshal.Cast<byte, ulong>(guest.AsSpan((long)page * PageBytes, PageBytes));

    private void StoreUntilStopped()
    {
        var random = new Random(1);
        while (!_stopping)
        {
            var guest = Guests[random.Next(Guests.Length)];
            var page = random.Next(Pages);
            guest.Pointer[(page * PageBytes) + random.Next(PageBytes)] ^= 0x55;
            Fill(guest, page);
        }
    }

    private void Begin(Action work)
    {
        var thread = new Thread(() => work()) { IsBackground = true };
        thread.Start();
        _threads.Add(thread);
    }
}

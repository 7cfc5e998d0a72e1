namespace PageShare.CrashProbe.Oracle;

/// <summary>
/// Guests of one writer that come and go while others work: made, filled with what all guests are filled with, checked,
/// and disposed while passes go over them. One thread.
/// </summary>
internal sealed unsafe class ShortLivedGuests(OracleRun run, Random random) : IDisposable
{
    private const int Most = 2;
    private const int MostPages = 24;

    private readonly Queue<MirroredMemory> _memories = new();
    private int _made;

    public void Step(string when)
    {
        if (_memories.Count == Most || (_memories.Count > 0 && random.Next(3) == 0))
        {
            var oldest = _memories.Dequeue();
            oldest.CheckAll(when);
            if (random.Next(4) == 0)
            {
                // The pin keeps the memory until after its guest has gone.
                using var pin = oldest.Guest!.PinWritable(0, BusyGuests.PageBytes);
                oldest.Guest!.Dispose();
                oldest.Memory[0] ^= 1;
            }

            oldest.Guest!.Dispose();
            oldest.Dispose();
        }
        else
        {
            _memories.Enqueue(Make(when));
        }
    }

    public void Dispose()
    {
        while (_memories.TryDequeue(out var memory))
        {
            memory.CheckAll("the end");
            memory.Guest!.Dispose();
            memory.Dispose();
        }
    }

    private MirroredMemory Make(string when)
    {
        var pages = 1 + random.Next(MostPages);
        var name = $"short-lived {_made++} of {when}";
        var guest = run.Engine.CreateGuest(name, (long)pages * BusyGuests.PageBytes, new GuestOptions
        {
            FaultMode = run.Settings.Modes[random.Next(run.Settings.Modes.Count)],
            Domain = random.Next(3) == 0 ? "another" : null,
        });
        var memory = new MirroredMemory(name, guest.Pointer, pages, pages, new PageOwners(0, 1, pages), guest);
        for (var page = 0; page < pages; page++)
        {
            var block = new PageOwners.Block(page, 1);
            memory.Note(block, when);
            var content = run.Palette.Page(random.Next(PagePalette.Count));
            content.CopyTo(memory.Span(block));
            content.CopyTo(memory.MirrorOf(block));
        }

        return memory;
    }
}

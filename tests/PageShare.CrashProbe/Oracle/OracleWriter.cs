using System.Globalization;
using System.Runtime.CompilerServices;
using static PageShare.CrashProbe.Oracle.PageOwners;

namespace PageShare.CrashProbe.Oracle;

/// <summary>One thread's random operations on the pages that it owns, each done to the mirror as well.</summary>
internal sealed unsafe class OracleWriter : IDisposable
{
    private const int MostOperations = 10_000_000;
    private const int MostPins = 3;
    private const int HammerStores = 200;
    private const int PlacesInPage = 4;

    private readonly OracleRun _run;
    private readonly int _number;
    private readonly Random _random;
    private readonly ShortLivedGuests _shortLived;
    private readonly Queue<WritablePin> _pins = new();
    private readonly (int Weight, string Name, Action<MirroredMemory, Block> Do)[] _operations;
    private readonly int _weights;
    private string _current = "";

    public OracleWriter(OracleRun run, int number)
    {
        _run = run;
        _number = number;
        _random = new Random(unchecked((run.Settings.Seed * 31) + number));
        _shortLived = new ShortLivedGuests(run, _random);
        _operations =
        [
            (16, "byte", StoreByte),
            (10, "same byte", StoreSameByte),
            (6, "hammer", Hammer),
            (6, "word", StoreWord),
            (6, "interlocked", StoreInterlocked),
            (30, "fill", FillPages),
            (10, "zero", ZeroPages),
            (8, "copy", CopySpan),
            (24, "check", (memory, block) => memory.Check(block, _current)),
            (5, "read file", ReadFile),
            (4, "hold pin", HoldPin),
            (3, "end pin", (_, _) => EndPin()),
            (3, "ensure writable", EnsureWritable),
            (2, "short-lived guest", (_, _) => _shortLived.Step(_current)),
            (10, "allocate", (_, _) => GC.KeepAlive(new byte[_random.Next(20_000)])),
            (1, "rare", Rarely),
        ];
        _weights = _operations.Sum(static operation => operation.Weight);
    }

    /// <summary>Runs all operations, and more of them as long as too little has come of it.</summary>
    public void Run()
    {
        for (var i = 0; !_run.HasEnded && (i < _run.Settings.Operations || (i < MostOperations && _run.NeedsMore)); i++)
        {
            Step(i);
        }
    }

    /// <summary>Ends its pins and guests.</summary>
    public void Dispose()
    {
        while (_pins.Count > 0)
        {
            EndPin();
        }

        _shortLived.Dispose();
    }

    private void Step(int index)
    {
        var choice = _random.Next(_weights);
        var operation = 0;
        while (choice >= _operations[operation].Weight)
        {
            choice -= _operations[operation++].Weight;
        }

        var memory = _run.Memories[_random.Next(_run.Memories.Count)];
        if (memory.Owners.TryPick(_number, memory.Pages, _random, out var block))
        {
            _current = string.Create(
                CultureInfo.InvariantCulture, $"writer {_number}, operation {index} ({_operations[operation].Name})");
            _operations[operation].Do(memory, block);
            _run.CountOperation();
        }
    }

    /// <summary>One of two values at one of few places: pages that were made different become equal again.</summary>
    private void StoreByte(MirroredMemory memory, Block block) => StoreByte(memory, block, (byte)_random.Next(2));

    private void StoreSameByte(MirroredMemory memory, Block block) => StoreByte(memory, block, null);

    private void StoreByte(MirroredMemory memory, Block block, byte? value)
    {
        var at = (_random.Next(block.Count * PlacesInPage) * (BusyGuests.PageBytes / PlacesInPage)) + _random.Next(2);
        ref var mirrored = ref memory.MirrorOf(block)[at];
        mirrored = value ?? mirrored;
        memory.Note(block, _current);
        Volatile.Write(ref memory.Span(block)[at], mirrored);
    }

    /// <summary>
    /// The same bytes again and again: pages that never change, and so are sealed and merged by every pass, under
    /// stores.
    /// </summary>
    private void Hammer(MirroredMemory memory, Block block)
    {
        for (var i = 0; i < HammerStores; i++)
        {
            StoreByte(memory, block, null);
        }
    }

    /// <summary>Eight bytes at any address: over the border of two pages too, which are two faults.</summary>
    private void StoreWord(MirroredMemory memory, Block block)
    {
        var value = _random.NextInt64();
        var at = _random.Next(2) == 0 && block.Count > 1
            ? (BusyGuests.PageBytes * (1 + _random.Next(block.Count - 1))) - 1 - _random.Next(7)
            : _random.Next(block.Bytes - 7);
        memory.Note(block, _current);
        Unsafe.WriteUnaligned(ref memory.Span(block)[at], value);
        Unsafe.WriteUnaligned(ref memory.MirrorOf(block)[at], value);
    }

    /// <summary>Instructions that load and store in one; a compare-and-exchange that fails stores too.</summary>
    private void StoreInterlocked(MirroredMemory memory, Block block)
    {
        var at = _random.Next(block.Bytes / sizeof(long)) * sizeof(long);
        ref var stored = ref Unsafe.As<byte, long>(ref memory.Span(block)[at]);
        ref var mirrored = ref Unsafe.As<byte, long>(ref memory.MirrorOf(block)[at]);
        memory.Note(block, _current);
        var before = _random.Next(2) == 0
            ? Interlocked.Add(ref stored, 3) - (mirrored += 3) + mirrored
            : Interlocked.CompareExchange(ref stored, 1, ~mirrored);
        ProbeFailedException.ThrowIf(before != mirrored,
            $"Guest '{memory.Name}', pages from {block.First}, offset {at}: an interlocked operation found {before:x}, "
            + $"not {mirrored:x}.");
    }

    /// <summary>Contents that follow one another in the palette, so that runs become equal.</summary>
    private void FillPages(MirroredMemory memory, Block block)
    {
        var content = _random.Next(PagePalette.Count);
        memory.Note(block, _current);
        for (var i = 0; i < block.Count; i++)
        {
            _run.Palette.Page(content + i).CopyTo(memory.Span(block)[(i * BusyGuests.PageBytes)..]);
            _run.Palette.Page(content + i).CopyTo(memory.MirrorOf(block)[(i * BusyGuests.PageBytes)..]);
        }
    }

    private void ZeroPages(MirroredMemory memory, Block block)
    {
        memory.Note(block, _current);
        memory.Span(block).Clear();
        memory.MirrorOf(block).Clear();
    }

    /// <summary>
    /// From anywhere in pages of its own to anywhere in others, in another guest perhaps, or the same.
    /// </summary>
    private void CopySpan(MirroredMemory memory, Block block)
    {
        var from = _run.Memories[_random.Next(_run.Memories.Count)];
        if (!from.Owners.TryPick(_number, from.Pages, _random, out var source))
        {
            return;
        }

        var length = 1 + _random.Next(Math.Min(source.Bytes, block.Bytes));
        var sourceAt = _random.Next(source.Bytes - length + 1);
        var at = _random.Next(block.Bytes - length + 1);
        memory.Note(block, _current);
        from.Span(source).Slice(sourceAt, length).CopyTo(memory.Span(block)[at..]);
        from.MirrorOf(source).Slice(sourceAt, length).CopyTo(memory.MirrorOf(block)[at..]);
    }

    /// <summary>A system call stores to the guest. Pinned, it must neither fail nor fall short.</summary>
    private void ReadFile(MirroredMemory memory, Block block)
    {
        if (memory.Guest is not { } guest)
        {
            return;
        }

        var length = 1 + _random.Next(block.Bytes);
        var at = _random.Next(block.Bytes - length + 1);
        var from = _random.Next(PagePalette.Bytes - length + 1);
        memory.Note(block, _current);
        var read = guest.ReadFrom(_run.Palette.File, from, ((long)block.First * BusyGuests.PageBytes) + at, length);
        ProbeFailedException.ThrowIf(read != length,
            $"Guest '{memory.Name}', pages from {block.First}: {read} of {length} bytes read into pinned memory.");
        _run.Palette.All.Slice(from, length).CopyTo(memory.MirrorOf(block)[at..]);
    }

    /// <summary>Pinned for some operations to come, which may store to the same pages or pin them again.</summary>
    private void HoldPin(MirroredMemory memory, Block block)
    {
        if (memory.Guest is not { } guest)
        {
            return;
        }

        if (_pins.Count == MostPins)
        {
            EndPin();
        }

        _pins.Enqueue(guest.PinWritable((long)block.First * BusyGuests.PageBytes, block.Bytes));
        memory.Check(block, _current);
    }

    private void EndPin()
    {
        if (_pins.TryDequeue(out var pin))
        {
            pin.Dispose();
        }
    }

    private void EnsureWritable(MirroredMemory memory, Block block)
    {
        memory.Guest?.EnsureWritable((long)block.First * BusyGuests.PageBytes, block.Bytes);
        memory.Check(block, _current);
    }

    /// <summary>What concerns whole guests.</summary>
    private void Rarely(MirroredMemory memory, Block block)
    {
        if (memory.Guest is not { } guest)
        {
            return;
        }

        switch (_random.Next(5))
        {
            case 0:
                memory.Grow(1 + _random.Next(6));
                break;
            case 1:
                guest.Unshare();
                break;
            case 2:
                _run.Engine.UnshareAll();
                break;
            case 3:
                guest.Sharing = _random.Next(4) != 0;
                break;
            default:
                CheckSnapshot();
                break;
        }

        memory.Check(block, _current);
    }

    /// <summary>Not what this system has never told.</summary>
    private static bool IsOfTrouble(string warning) =>
        !warning.StartsWith("Breaks in mode Kernel are counted at the next pass", StringComparison.Ordinal);

    private void CheckSnapshot()
    {
        var snapshot = _run.Engine.Snapshot();
        var totals = snapshot.Totals;
        ProbeFailedException.ThrowIf(
            totals.PagesSharing != snapshot.Guests.Sum(static guest => guest.Counters.PagesSharing)
            || totals.PagesShared < 0 || totals.PagesSharing < 0 || totals.ZeroPages < 0
            || totals.PagesPopulated > totals.PagesTotal || snapshot.Warnings.Any(IsOfTrouble),
            $"The snapshot contradicts itself: {totals}; warnings: {string.Join(", ", snapshot.Warnings)}");
    }
}

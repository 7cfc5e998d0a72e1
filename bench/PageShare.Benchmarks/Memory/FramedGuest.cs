using PageShare.Memory;
using PageShare.Merge;
using PageShare.Platform;

namespace PageShare.Benchmarks.Memory;

/// <summary>A guest whose pages equal frames of its domain's store: from here on merging and breaking can be timed
/// alone.</summary>
/// <remarks>
/// The frames are made here and the orders given to the shim as the engine's merger gives them; the scanner's books
/// stay empty. Runs are lone, as they mostly are in real memory: behind each lies a page that does not share, so each
/// takes a mapping of its own and a seal of its own. Not thread-safe.
/// </remarks>
internal sealed unsafe class FramedGuest : IDisposable
{
    private readonly PageShareEngine _engine;
    private readonly Guest _guest;
    private readonly GuestRegion _region;
    private readonly List<Order> _orders = [];
    private readonly MergeResult[] _results = new MergeResult[Shim.OrderPages];
    private readonly int[] _frames;

    /// <summary>Makes the guest and the frames; nothing is shared yet.</summary>
    /// <param name="mode">How stores to shared pages are caught.</param>
    /// <param name="pages">Pages that can share.</param>
    /// <param name="runLength">Pages of a run, at most those of a merge order.</param>
    /// <param name="breakPages">Most pages that one store breaks.</param>
    public FramedGuest(FaultMode mode, int pages, int runLength, int breakPages = 1)
    {
        var regionPages = pages / runLength * (runLength + 1);
        _engine = PageShareEngine.Start(new EngineOptions
        {
            BackgroundScanning = false,
            FaultMode = mode,
            MaximumBreakPages = breakPages,
        });
        _guest = _engine.CreateGuest("framed", (long)regionPages * PageSize.Bytes);
        _region = _guest.Region;
        _frames = new int[pages];
        Sharing = new int[pages];
        var filler = new PageFiller(seed: 1);
        for (var page = 0; page < regionPages; page++)
        {
            filler.Fill(PageAt(page), (ulong)page);
        }

        var store = _region.Domain.Store;
        for (int run = 0, done = 0; done < pages; run++, done += runLength)
        {
            var first = run * (runLength + 1);
            var frame = store.Allocate(runLength, out var got);
            if (got != runLength || !store.TryFill(frame, PageAt(first), runLength))
            {
                throw new InvalidOperationException("The store has no room for the frames.");
            }

            for (var i = 0; i < runLength; i++)
            {
                Sharing[done + i] = first + i;
                _frames[done + i] = (int)frame.Value + i;
            }
        }

        MakeOrders();
    }

    /// <summary>The pages that can share, ascending.</summary>
    public int[] Sharing { get; }

    /// <summary>First byte of the guest.</summary>
    public byte* Start => _guest.Pointer;

    /// <summary>Has all of them share their frames.</summary>
    public void Merge()
    {
        var merged = 0;
        foreach (var order in _orders)
        {
            // SAFETY: one target and one result a page, used during the call only.
            fixed (uint* targets = order.Targets)
            fixed (MergeResult* results = _results)
            {
                var error = Shim.Merge(
                    _region.Handle, (ulong)order.First, (uint)order.Targets.Length, targets, results);
                Shim.Require(error, "merging", $"{order.Targets.Length} pages");
            }

            merged += _results.AsSpan(0, order.Targets.Length).Count(MergeResult.Done);
        }

        if (merged != Sharing.Length)
        {
            throw new InvalidOperationException($"{merged} of {Sharing.Length} pages were merged.");
        }
    }

    /// <summary>Compares what merging compares, and nothing else; returns how many pages were equal.</summary>
    public int CompareAll()
    {
        var view = _region.Domain.Store.View;
        var equal = 0;
        for (var i = 0; i < Sharing.Length; i++)
        {
            var frame = view + ((long)_frames[i] * PageSize.Bytes);
            equal += Floor.Compare(PageAt(Sharing[i]), frame, PageSize.Bytes) == 0 ? 1 : 0;
        }

        return equal;
    }

    /// <summary>Gives every page its own copy again, and touches each, as the guest that wrote it would have.</summary>
    public void Break()
    {
        _guest.Unshare();
        for (var page = 0; page < _region.Pages; page++)
        {
            var first = PageAt(page);
            Volatile.Write(ref *first, Volatile.Read(ref *first));
        }
    }

    /// <summary>Loads from each page that shares, so that it is mapped before it breaks: guests read more than they
    /// write.</summary>
    public ulong ReadSharing()
    {
        var sum = 0UL;
        foreach (var page in Sharing)
        {
            sum += *(ulong*)PageAt(page);
        }

        return sum;
    }

    /// <inheritdoc/>
    public void Dispose() => _engine.Dispose();

    // SAFETY: pages are the constructor's, inside the guest, which lives as long as this object.
    private byte* PageAt(int page) => _guest.Pointer + ((long)page * PageSize.Bytes);

    /// <summary>Orders of at most <see cref="Shim.OrderPages"/> pages that cut no run.</summary>
    private void MakeOrders()
    {
        for (int i = 0, end; i < Sharing.Length; i = end)
        {
            var first = Sharing[i];
            end = i;
            while (end < Sharing.Length && Sharing[end] < first + Shim.OrderPages)
            {
                end++;
            }

            var targets = new uint[Sharing[end - 1] + 1 - first];
            Array.Fill(targets, Shim.TargetNone);
            for (var k = i; k < end; k++)
            {
                targets[Sharing[k] - first] = (uint)_frames[k];
            }

            _orders.Add(new Order(first, targets));
        }
    }

    private sealed record Order(int First, uint[] Targets);
}

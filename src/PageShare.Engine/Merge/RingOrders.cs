using System.Diagnostics;
using PageShare.Memory;
using PageShare.Platform;

namespace PageShare.Merge;

/// <summary>Orders for a guest in another process: posted to its ring, carried out by its agent.</summary>
/// <remarks>
/// <para>The guest may write the ring at any moment, so an answer is copied once and the copy is checked; what cannot
/// be true ends all orders to this guest (<see cref="WhyDistrusted"/>). What can be true and is not harms the guest
/// alone: it says which of its own pages share which of the frames that it was offered.</para>
/// <para>Answers come in the order of posting. Those outstanding wait in a queue as long as the ring has slots; an
/// answer that came late is kept until somebody asks for just that.</para>
/// <para>Guard: the engine's lock, but for <see cref="Linger"/>. That one waits without it, under a lock of its own,
/// which nobody waits for: whoever finds it taken knows that the answer is still awaited.</para>
/// </remarks>
internal sealed unsafe class RingOrders : IRegionOrders
{
    private const int ErrorInputOutput = 5;
    private const int ErrorAgain = 11;
    private const int ErrorProtocol = 71;
    private const int LargestError = 4095;

    private readonly RingHandle _ring;
    private readonly OrderPatience _patience;
    private readonly MergeTally _tally;
    private readonly LateBackOff _backOff;
    private readonly AgentCpuTime _cpuTime = new();
    private readonly Lock _awaiting = new();
    private readonly Queue<Posted> _posted = new(RingNative.Orders);
    private readonly Queue<MergeOrder> _answeredLate = new(RingNative.Orders);

    private Posted? _held;         // an order that fills no MergeOrder, whose answer came late
    private long _heldResult;
    private bool _marksAreLost;    // an answer that said so was not taken
    private bool _isLate;          // read without the lock
    private uint _lastSequence;    // as above

    /// <param name="ring">The ring; owned by this.</param>
    /// <param name="patience">Bounds waits.</param>
    /// <param name="tally">Where late orders are counted.</param>
    /// <param name="backOff">The same, for the sake of others.</param>
    public RingOrders(RingHandle ring, OrderPatience patience, MergeTally tally, LateBackOff backOff)
    {
        _ring = ring;
        _patience = patience;
        _tally = tally;
        _backOff = backOff;
    }

    /// <summary>Whether the guest's agent is there to take orders, as the host was told.</summary>
    public bool IsAttached { get; set; }

    /// <summary>What the guest has answered that cannot be; null if it has not.</summary>
    public string? WhyDistrusted { get; private set; }

    /// <inheritdoc/>
    public bool IsReady
    {
        get
        {
            TakeAnswers();
            return IsAttached && WhyDistrusted is null && !IsLate && _answeredLate.Count == 0;
        }
    }

    /// <inheritdoc/>
    public bool IsLate => Volatile.Read(ref _isLate);

    /// <summary>Orders whose pages may come to share their frames as long as the guest lives.</summary>
    public IEnumerable<MergeOrder> Unanswered =>
        _posted.Where(static posted => posted.Order is not null).Select(static posted => posted.Order!)
            .Concat(_answeredLate);

    /// <inheritdoc/>
    public bool TryPost(MergeOrder order) =>
        IsReady && _patience.NanosecondsLeft > 0
        && TryPost(order.Kind, order.First, order.Count, order.Targets, [], order);

    /// <inheritdoc/>
    public bool Await(MergeOrder order)
    {
        if (IsLate)
        {
            return false; // as all that were posted behind the one that is late
        }

        if (WhyDistrusted is null && _posted.Peek().Order != order)
        {
            throw new InvalidOperationException("Broken invariant: orders are awaited as they were posted.");
        }

        if (TryAnswer(_patience.NanosecondsLeft, out _))
        {
            return true;
        }

        BecomeLate();
        return false;
    }

    /// <inheritdoc/>
    public bool TryTakeLate(out MergeOrder order)
    {
        TakeAnswers();
        return _answeredLate.TryDequeue(out order!);
    }

    /// <summary>Waits for answers that are late, without the engine's lock. Any thread may call it.</summary>
    /// <returns>False if they did not come.</returns>
    public bool Linger(TimeSpan most)
    {
        if (IsLate && most > TimeSpan.Zero)
        {
            lock (_awaiting)
            {
                // Looked at again, since nothing is posted as long as this is so, and a ring is for one thread at a
                // time. Only waits: whatever it says, the next one with the engine's lock asks again.
                return !IsLate || AwaitLast(most);
            }
        }

        return !IsLate;
    }

    private bool AwaitLast(TimeSpan most)
    {
        try
        {
            return RingNative.Await(_ring, Volatile.Read(ref _lastSequence), (ulong)most.TotalNanoseconds) == 0;
        }
        catch (ObjectDisposedException)
        {
            return false; // the guest is gone
        }
    }

    /// <inheritdoc/>
    public long TryBreak(PageNumber first, long count) => Ask(OrderKind.Break, first, count, []);

    /// <inheritdoc/>
    public long FindCopies(PageNumber first, long count, Span<ulong> copies)
    {
        // The bitmap is asked for by whole words.
        var shift = (int)(first.Value % 64);
        var result = Ask(OrderKind.FindCopies, first - shift, count + shift, []);
        if (result < 0)
        {
            return result;
        }

        // SAFETY: the ring's bitmap has a bit for each page that the region can have, and first + count is one of them.
        var found = _ring.Copies + (first.Value / 64);
        var words = Bitmap.WordsFor(count + shift);
        for (var word = 0; word < copies.Length; word++)
        {
            var low = word < words ? found[word] >> shift : 0;
            var high = shift > 0 && word + 1 < words ? found[word + 1] << (64 - shift) : 0;
            copies[word] = low | high;
        }

        return Bitmap.KeepFirst(copies, count);
    }

    /// <inheritdoc/>
    public long Settle(PageNumber first, int count, ReadOnlySpan<ulong> copies) =>
        Ask(OrderKind.Settle, first, count, copies);

    /// <inheritdoc/>
    public long FindWritten(long pages, ulong* written)
    {
        var result = Ask(OrderKind.FindWritten, new PageNumber(0), pages, []);
        if (result == IRegionOrders.Late)
        {
            return result;
        }

        // SAFETY: both bitmaps have whole words for the pages in use. The agent leaves the ring's alone until it is
        // ordered again; what the guest writes there beside it marks pages of its own.
        var found = _ring.Written;
        for (long word = 0, left = pages; left > 0; word++, left -= 64)
        {
            if (found[word] != 0)
            {
                written[word] |= found[word] & (left >= 64 ? ulong.MaxValue : (1UL << (int)left) - 1);
                found[word] = 0;
            }
        }

        var areLost = _marksAreLost;
        _marksAreLost = false;
        return areLost ? -ErrorAgain : result;
    }

    /// <summary>Has the agent fill its reserve of mappings and tell how its process is.</summary>
    /// <returns>False while it has not.</returns>
    public bool TryAskHealth(int reserveMappings, out AgentHealth health)
    {
        health = default;
        if (Ask(OrderKind.Health, new PageNumber(0), reserveMappings, []) < 0)
        {
            return false;
        }

        // SAFETY: the header lies in the ring. Whatever it says is bounded here, and concerns that process alone.
        var header = _ring.Header;
        health = new AgentHealth(
            HandlerIsInstalled: Volatile.Read(ref header->HandlerInstalled) == 1,
            MappingLimit: (long)Volatile.Read(ref header->MappingsLimit),
            MappingsUsed: (long)Math.Min(Volatile.Read(ref header->MappingsUsed), int.MaxValue));
        return true;
    }

    /// <summary>CPU time that the agent has used since this was last asked.</summary>
    // SAFETY: as above.
    public long TakeCpuNanoseconds() => _cpuTime.Take(Volatile.Read(ref _ring.Header->CpuNanoseconds));

    /// <inheritdoc/>
    public void Dispose() => _ring.Dispose();

    /// <summary>Gives an order that has no MergeOrder, and waits; or takes its answer if that came late.</summary>
    private long Ask(OrderKind kind, PageNumber first, long count, ReadOnlySpan<ulong> bits)
    {
        if (!IsReady || _posted.Count > 0 || count > uint.MaxValue || _patience.NanosecondsLeft == 0)
        {
            return IRegionOrders.Late;
        }

        if (_held is { } held && held.Kind == kind && held.First == first && held.Count == count
            && kind is not (OrderKind.Break or OrderKind.Settle))
        {
            _held = null;
            return _heldResult;
        }

        if (!TryPost(kind, first, count, [], bits, null) || !TryAnswer(_patience.NanosecondsLeft, out var result))
        {
            BecomeLate();
            return IRegionOrders.Late;
        }

        return result;
    }

    private bool TryPost(
        OrderKind kind, PageNumber first, long count, ReadOnlySpan<uint> targets, ReadOnlySpan<ulong> bits,
        MergeOrder? order)
    {
        var slot = RingNative.Next(_ring);
        if (slot is null)
        {
            return false;
        }

        // SAFETY: the slot lies in the ring and is the host's until it is posted; an order has at most as many targets
        // and bits as the slot has room for. The answer's place is left to the agent.
        slot->Kind = kind;
        slot->Count = (uint)count;
        slot->Page = (ulong)first.Value;
        targets.CopyTo(new Span<uint>(slot->Targets, Shim.OrderPages));
        bits.CopyTo(new Span<ulong>(slot->Bits, Shim.OrderPages / 64));
        var sequence = RingNative.Post(_ring);
        Volatile.Write(ref _lastSequence, sequence);
        _posted.Enqueue(new Posted(sequence, kind, first, count, order));
        _cpuTime.Note(isBusy: true);
        _held = null;
        return true;
    }

    /// <summary>Takes answers that have come, without waiting.</summary>
    private void TakeAnswers()
    {
        if (!IsLate || WhyDistrusted is not null || !_awaiting.TryEnter())
        {
            return;
        }

        try
        {
            while (_posted.TryPeek(out var head) && TryAnswer(0, out var result))
            {
                if (head.Order is { } order)
                {
                    _answeredLate.Enqueue(order);
                }
                else
                {
                    (_held, _heldResult) = (head, result);
                    _marksAreLost |= head.Kind == OrderKind.FindWritten && result < 0;
                }
            }

            Volatile.Write(ref _isLate, _posted.Count > 0);
        }
        finally
        {
            _awaiting.Exit();
        }
    }

    /// <summary>Waits for the oldest order's answer and takes it out of the queue.</summary>
    private bool TryAnswer(ulong nanoseconds, out long result)
    {
        result = IRegionOrders.Late;
        if (WhyDistrusted is not null)
        {
            return false;
        }

        var head = _posted.Peek();
        var since = Stopwatch.GetTimestamp();
        var error = RingNative.Await(_ring, head.Sequence, nanoseconds);
        if (nanoseconds > 0)
        {
            _backOff.CountWait(_patience.Spend(since));
        }

        if (error != 0)
        {
            WhyDistrusted = error == -ErrorProtocol ? "it has answered orders that were not given" : null;
            return false;
        }

        var slot = RingNative.Answer(_ring, head.Sequence);
        WhyDistrusted = slot is null ? "an answer is gone" : WhyNoAnswer(head, slot, out result);
        if (WhyDistrusted is not null)
        {
            return false; // its frames stay pinned: who knows what the guest has mapped
        }

        _posted.Dequeue();
        _cpuTime.Note(isBusy: _posted.Count > 0 && !IsLate);
        return true;
    }

    /// <summary>Copies an answer and checks the copy; null if it can be true, else what is wrong.</summary>
    private static string? WhyNoAnswer(Posted posted, RingOrder* slot, out long result)
    {
        // SAFETY: the slot lies in the ring; each part is read once, and the copy is what is checked and used.
        result = Volatile.Read(ref slot->Result);
        if (result < -LargestError || result > (posted.Order is null ? uint.MaxValue : 0))
        {
            return $"it answered {posted.Kind} with {result}";
        }

        result = result == IRegionOrders.Late ? -ErrorInputOutput : result; // which has a meaning here
        if (posted.Order is not { } order)
        {
            return null;
        }

        order.Result = result;
        if (result == 0)
        {
            new ReadOnlySpan<MergeResult>(slot->Results, order.Count).CopyTo(order.Results);
        }

        for (var i = 0; i < order.Count; i++)
        {
            if (order.Results[i] > MergeResult.NoMapping)
            {
                return $"it answered {posted.Kind} with a page that is {(int)order.Results[i]}";
            }

            if (order.Results[i] == MergeResult.Done && order.Targets[i] == Shim.TargetNone)
            {
                return $"it says that a page is done of which {posted.Kind} named none";
            }
        }

        return null;
    }

    private void BecomeLate()
    {
        if (_posted.Count > 0 && !IsLate)
        {
            Volatile.Write(ref _isLate, true);
            _cpuTime.Note(isBusy: false);
            _tally.OrdersLate++;
            _backOff.CountLate();
        }
    }

    private readonly record struct Posted(
        uint Sequence, OrderKind Kind, PageNumber First, long Count, MergeOrder? Order);
}

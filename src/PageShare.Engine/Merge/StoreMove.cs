using PageShare.Content;
using PageShare.Memory;
using PageShare.PageTable;
using PageShare.Platform;

namespace PageShare.Merge;

/// <summary>
/// Moves pages from a former host's frame stores to this one's: the other half of taking a guest over.
/// </summary>
/// <remarks>
/// <para>The problem: a new host cannot know what the guests of the one before still map, so it must never write, punch
/// or reuse a frame of theirs; yet their memory is only freed when no page maps it any more. Breaking all pages and
/// merging them again would take memory for all of them, just when a host has died.</para>
/// <para>So the content of an old frame is read, found or made a frame of in the new store, and the guest's agent maps
/// that one in the old one's place, after it has compared all bytes with what its page shows. What is read is the
/// guest's own word: the wrong bytes differ from what the page shows, or are what the guest might as well have
/// written. Pages whose content cannot be read, or differs, get copies of their own and are merged as any other.</para>
/// <para>Memory: a frame is made for each content that pages of the stretch show, and lives only if one of them moved
/// there. So the two stores together are at most twice as large as either, and the old one goes with its last user.
/// Guard: the engine's lock.</para>
/// </remarks>
internal sealed unsafe class StoreMove(Merger merger, IPageHasher hasher)
{
    private readonly uint[] _targets = new uint[Shim.OrderPages];
    private readonly MergeResult[] _results = new MergeResult[Shim.OrderPages];
    private readonly bool[] _mustBreak = new bool[Shim.OrderPages];
    private readonly List<FrameNumber> _made = [];

    // Whole stretches of old frames; made when the first guest is taken over.
    private NativeArray<byte>? _content;

    /// <summary>Moves the pages of a stretch.</summary>
    /// <param name="region">The guest's region.</param>
    /// <param name="first">First page.</param>
    /// <param name="count">How many pages, of one stretch.</param>
    /// <param name="mayMove">False: only counts them.</param>
    /// <param name="passNumber">For back-off.</param>
    /// <param name="pass">Counts what was done.</param>
    public void Move(
        GuestRegion region, PageNumber first, int count, bool mayMove, long passNumber, MergeTally pass)
    {
        if (region.Former is not { IsDone: false } former)
        {
            return;
        }

        former.BeginStretch(first, passNumber);
        if (mayMove && !former.BackOff.IsActive)
        {
            MoveShared(region, former, first, count, pass);
        }

        var left = 0;
        for (var page = first; page < first + count; page++)
        {
            left += former.IsShownBy(region.Words.Read(page)) ? 1 : 0;
        }

        former.EndStretch(left, first.Value + count == region.Pages, mayMove);
    }

    private void MoveShared(GuestRegion region, FormerStores former, PageNumber first, int count, MergeTally pass)
    {
        try
        {
            if (FindTargets(region, former, first, count))
            {
                Order(region, first, count, pass);
            }
        }
        finally
        {
            foreach (var frame in _made)
            {
                region.Domain.FinishCreation(frame);
            }

            _made.Clear();
        }
    }

    /// <summary>Reads what the pages show, and finds a frame for each content. False if no page shows any.</summary>
    private bool FindTargets(GuestRegion region, FormerStores former, PageNumber first, int count)
    {
        var hasAny = false;
        for (int i = 0, end; i < count; i = end)
        {
            end = i + 1;
            _targets[i] = Shim.TargetNone;
            _mustBreak[i] = false;
            var word = region.Words.Read(first + i);
            if (!PageStates.IsShared(word.State) || !former.IsShownBy(word))
            {
                continue;
            }

            hasAny = true;
            for (var next = word; end < count; end++)
            {
                next = region.Words.Read(first + end);
                if (!PageStates.IsShared(next.State) || next.Place != word.Place + (ulong)(end - i))
                {
                    break;
                }
            }

            FindTargetsOfRun(region, former, word, i, end - i);
        }

        return hasAny;
    }

    /// <summary>Pages that show frames in a row, of which one call reads all.</summary>
    private void FindTargetsOfRun(GuestRegion region, FormerStores former, PageWord word, int index, int length)
    {
        _content ??= NativeArray<byte>.Allocate(Shim.OrderPages * PageSize.Bytes, PageSize.Bytes);
        fixed (byte* content = &_content[0])
        {
            // SAFETY: room for a whole stretch; this thread alone uses it.
            var read = former.Read(word.Generation, word.Frame, length, content);
            for (var i = 0; i < length; i++)
            {
                _targets[index + i] = i < read
                    ? FindFrame(region.Domain, content + (i * PageSize.Bytes))
                    : Shim.TargetZero;
                if (_targets[index + i] == Shim.TargetZero)
                {
                    _targets[index + i] = Shim.TargetNone;
                    _mustBreak[index + i] = true;
                }
            }
        }
    }

    /// <summary>
    /// The frame of this content, made if there is none. <see cref="Shim.TargetZero"/> for a content that is not for a
    /// frame, <see cref="Shim.TargetNone"/> where there is no memory for one now.
    /// </summary>
    private uint FindFrame(ShareDomain domain, byte* content)
    {
        // SAFETY: a page of the buffer above.
        var bytes = new ReadOnlySpan<byte>(content, PageSize.Bytes);
        if (ZeroPage.IsZero(bytes))
        {
            return Shim.TargetZero;
        }

        var hash = hasher.Hash(bytes);
        var isKnown = domain.Index.TryFind(hash, out var found);
        if (isKnown && found.IsFrame)
        {
            return domain.Store.ReadFrame(found.Frame).SequenceEqual(bytes) ? found.Id : Shim.TargetZero;
        }

        var frame = domain.Store.Allocate(1, out var got);
        if (got == 0)
        {
            return Shim.TargetNone;
        }

        if (!domain.Store.TryFill(frame, content, 1))
        {
            domain.Store.Free(frame, 1);
            return Shim.TargetNone;
        }

        domain.Frames.Create(frame, hash);
        _made.Add(frame);
        if (isKnown)
        {
            domain.Supersede(hash, found, ContentRef.Of(frame));
        }
        else
        {
            domain.Index.Insert(hash, ContentRef.Of(frame));
        }

        return frame.Value;
    }

    private void Order(GuestRegion region, PageNumber first, int count, MergeTally pass)
    {
        var results = _results.AsSpan(0, count);
        if (!merger.Order(OrderKind.Move, region, first, _targets.AsSpan(0, count), results, pass))
        {
            return;
        }

        for (var i = 0; i < count; i++)
        {
            _mustBreak[i] |= results[i] == MergeResult.Differs;
        }

        Break(region, first, count);
    }

    /// <summary>What could not be moved gets copies of its own; without memory, the next pass tries again.</summary>
    private void Break(GuestRegion region, PageNumber first, int count)
    {
        for (int i = 0, end; i < count; i = end)
        {
            end = i + 1;
            if (!_mustBreak[i])
            {
                continue;
            }

            while (end < count && _mustBreak[end])
            {
                end++;
            }

            region.Written.MarkUnsettled(first + i, end - i);
            _ = region.Orders.TryBreak(first + i, end - i);
        }
    }
}

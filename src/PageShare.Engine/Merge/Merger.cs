using PageShare.Content;
using PageShare.Memory;
using PageShare.Platform;

namespace PageShare.Merge;

/// <summary>Carries plans out: gives merge orders, and enters what became of each page.</summary>
/// <remarks>
/// <para>The shim alone decides by comparing under seal; here are only the books. Guard: the engine's lock.</para>
/// <para>An order that is not answered in time may be carried out at any later moment, so each page that it names is
/// counted as a user of its frame, until the answer says otherwise or the guest is gone.</para>
/// </remarks>
internal sealed class Merger(IPageHasher hasher)
{
    // More than that are given in several goes.
    private const int MostAtOnce = 64;

    private readonly Stack<MergeOrder> _unused = [];
    private readonly Queue<MergeOrder> _underWay = new(MostAtOnce);

    /// <summary>
    /// Merges a stretch of pages, and before that the pages elsewhere that shall share its new frames: where such a
    /// page turns out to be another, the frame would have one user and save nothing.
    /// </summary>
    public void Execute(GuestRegion region, PageNumber first, int count, MergePlan plan, MergeTally pass)
    {
        if (!plan.HasTargets)
        {
            return;
        }

        var targets = plan.Targets.AsSpan(0, count);
        var partners = plan.SortedPartners();
        OrderPartners(partners, pass);
        DropFramesWithoutUsers(region, first, targets, plan);
        Order(OrderKind.Merge, region, first, targets, [], pass);
        foreach (var partner in partners)
        {
            UnshareIfLonely(partner.Region, partner.Page, partner.Frame, pass);
        }
    }

    /// <summary>Gives one order, and waits for its answer.</summary>
    /// <param name="kind">Merge or Move.</param>
    /// <param name="region">The region.</param>
    /// <param name="first">First page.</param>
    /// <param name="targets">A target a page.</param>
    /// <param name="results">Receives a result a page; may be empty for who does not ask.</param>
    /// <param name="pass">Counts what was done.</param>
    /// <returns>False if the order was not given, or is late.</returns>
    public bool Order(
        OrderKind kind, GuestRegion region, PageNumber first, ReadOnlySpan<uint> targets, Span<MergeResult> results,
        MergeTally pass)
    {
        var order = Begin(kind, region, first, targets.Length);
        targets.CopyTo(order.Targets);
        Give(order, pass);
        var isGiven = _underWay.Count > 0;
        FinishAll(pass);
        if (isGiven && !results.IsEmpty)
        {
            order.Results.CopyTo(results); // which nobody has begun anew meanwhile
        }

        return isGiven && !order.IsLate;
    }

    /// <summary>Ends the creation of a plan's frames, carried out or not: those without users are freed.</summary>
    public static void FinishFrames(ShareDomain domain, MergePlan plan)
    {
        foreach (var frame in plan.NewFrames)
        {
            domain.FinishCreation(frame);
        }

        plan.ForgetFrames();
    }

    /// <summary>Enters the answers that came late.</summary>
    public void EnterLate(GuestRegion region, MergeTally pass)
    {
        while (region.Orders.TryTakeLate(out var order))
        {
            Enter(order, pass);
            for (var i = 0; i < order.Count && order.Kind == OrderKind.Merge; i++)
            {
                if (order.Results[i] == MergeResult.Done && IsFrame(order.Targets[i]))
                {
                    UnshareIfLonely(region, order.First + i, new FrameNumber(order.Targets[i]), pass);
                }
            }

            _unused.Push(order);
        }
    }

    /// <summary>Gives back the frames that unanswered orders of a guest have pinned, whose process is gone.</summary>
    public static void Unpin(GuestRegion region)
    {
        foreach (var order in region.Ring?.Unanswered ?? [])
        {
            foreach (var target in order.Targets)
            {
                if (order.IsLate && IsFrame(target))
                {
                    region.Domain.Release(new FrameNumber(target));
                }
            }
        }
    }

    private static bool IsFrame(uint target) => target < Shim.TargetZero;

    /// <summary>Takes targets away that nobody shares, and tries these pages less often from now on.</summary>
    private static void DropFramesWithoutUsers(
        GuestRegion region, PageNumber first, Span<uint> targets, MergePlan plan)
    {
        for (var i = 0; i < targets.Length; i++)
        {
            if (IsFrame(targets[i]) && !plan.MayBeAlone(i)
                && region.Domain.Frames.Users(new FrameNumber(targets[i])) == 0)
            {
                targets[i] = Shim.TargetNone;
                region.Records.RaiseBackOff(first + i);
            }
        }
    }

    /// <summary>
    /// A new frame that only the partner came to share, the page itself having been written meanwhile, saves nothing:
    /// the partner gets its own copy back, and nothing was merged.
    /// </summary>
    private static void UnshareIfLonely(GuestRegion region, PageNumber page, FrameNumber frame, MergeTally pass)
    {
        if (region.Records.KindOf(page) != PageKind.Sharing
            || region.Records.FrameOf(page) != frame
            || region.Domain.Frames.Users(frame) > 1
            || region.Orders.TryBreak(page, 1) < 0)
        {
            return; // without memory for a copy, or an answer, it stays as it is
        }

        region.EndSharing(page);
        region.Written.MarkUnsettled(page);
        region.Tally.Merges--;
        pass.Merges--;
        region.Tally.Abandoned++;
        pass.Abandoned++;
        region.Budget.Recount(region, page);
    }

    /// <summary>
    /// Groups the partners by the stretch of their region that they lie in: one order each. Those of other processes
    /// are carried out side by side.
    /// </summary>
    private void OrderPartners(ReadOnlySpan<MergePlan.Partner> partners, MergeTally pass)
    {
        for (int i = 0, end; i < partners.Length; i = end)
        {
            var region = partners[i].Region;
            var stretch = partners[i].Page.Value / Shim.OrderPages;
            var first = new PageNumber(stretch * Shim.OrderPages);
            var order = Begin(
                OrderKind.Merge, region, first, (int)Math.Min(Shim.OrderPages, region.Pages - first.Value));
            for (end = i; end < partners.Length && partners[end].Region == region
                && partners[end].Page.Value / Shim.OrderPages == stretch; end++)
            {
                order.Targets[(int)(partners[end].Page - first)] = partners[end].Frame.Value;
            }

            Give(order, pass);
        }

        FinishAll(pass);
    }

    private MergeOrder Begin(OrderKind kind, GuestRegion region, PageNumber first, int count)
    {
        if (!_unused.TryPop(out var order))
        {
            order = new MergeOrder();
        }

        order.Begin(kind, region, first, count);
        return order;
    }

    /// <summary>Posts an order. When its ring is full, those before it are waited for first.</summary>
    private void Give(MergeOrder order, MergeTally pass)
    {
        if (_underWay.Count == MostAtOnce)
        {
            FinishAll(pass);
        }

        if (TryPost(order, pass))
        {
            _underWay.Enqueue(order);
            return;
        }

        order.Region.Written.MarkUnsettled(order.First, order.Count);
        _unused.Push(order);
    }

    private bool TryPost(MergeOrder order, MergeTally pass)
    {
        try
        {
            if (order.Region.Orders.TryPost(order))
            {
                return true;
            }
        }
        catch
        {
            FinishAll(pass); // whose frames may be in use by now
            throw;
        }

        FinishAll(pass);
        return order.Region.Orders.TryPost(order);
    }

    private void FinishAll(MergeTally pass)
    {
        while (_underWay.TryDequeue(out var order))
        {
            if (order.Region.Orders.Await(order))
            {
                Enter(order, pass);
                _unused.Push(order);
            }
            else
            {
                Pin(order);
            }
        }
    }

    /// <summary>The answer is late: from now on each page counts as a user of its frame.</summary>
    private static void Pin(MergeOrder order)
    {
        order.IsLate = true;
        order.Region.Written.MarkUnsettled(order.First, order.Count);
        foreach (var target in order.Targets)
        {
            if (IsFrame(target))
            {
                order.Region.Domain.Frames.AddUser(new FrameNumber(target));
            }
        }
    }

    private void Enter(MergeOrder order, MergeTally pass)
    {
        var region = order.Region;
        for (var i = 0; i < order.Count; i++)
        {
            var (page, target, result) = (order.First + i, order.Targets[i], order.Results[i]);

            // A page that shares already is never done once more. A guest that says so would have its frame forgotten.
            result = result == MergeResult.Done && region.Records.KindOf(page) == PageKind.Sharing
                ? MergeResult.Busy
                : result;
            if (result == MergeResult.Done && IsFrame(target) && !order.IsLate)
            {
                region.Domain.Frames.AddUser(new FrameNumber(target));
            }

            if (target != Shim.TargetNone)
            {
                Enter(order.Kind, region, page, target, result, pass);
            }

            if (result != MergeResult.Done && IsFrame(target) && order.IsLate)
            {
                region.Domain.Release(new FrameNumber(target));
            }
        }

        region.Budget.Recount(region, order.First);
    }

    private void Enter(
        OrderKind kind, GuestRegion region, PageNumber page, uint target, MergeResult result, MergeTally pass)
    {
        switch (result)
        {
            case MergeResult.Done when target == Shim.TargetZero:
                region.Records.SetZero(page);
                region.Written.MarkHole(page);
                region.Tally.ZeroPagesFreed++;
                pass.ZeroPagesFreed++;
                break;
            case MergeResult.Done:
                region.Records.SetSharing(page, new FrameNumber(target));
                region.Copies?.Clear(page); // its next break is a new one
                if (kind == OrderKind.Move)
                {
                    region.Tally.Moved++;
                    pass.Moved++;
                    break;
                }

                region.Tally.Merges++;
                pass.Merges++;
                break;
            default:
                region.Written.MarkUnsettled(page);
                if (kind == OrderKind.Move)
                {
                    break; // its own business: see StoreMove
                }

                region.Tally.Abandoned++;
                pass.Abandoned++;
                if (result == MergeResult.Differs && target != Shim.TargetZero)
                {
                    CheckForCollision(region, page, new FrameNumber(target), pass);
                }

                break;
        }
    }

    /// <summary>
    /// A page that differs from the frame was written since it was hashed, or the page that the frame was made of was,
    /// or the two have the same hash and another content. The latter stays so, and is tried less and less often.
    /// </summary>
    private void CheckForCollision(GuestRegion region, PageNumber page, FrameNumber frame, MergeTally pass)
    {
        if (hasher.Hash(region.Backing.ReadPage(page)) == hasher.Hash(region.Domain.Store.ReadFrame(frame)))
        {
            region.Records.RaiseBackOff(page);
            region.Tally.HashCollisions++;
            pass.HashCollisions++;
        }
    }
}

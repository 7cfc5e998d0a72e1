using PageShare.TestKit;

namespace PageShare.StressTests.Sequences;

/// <summary>
/// Random steps that make sense: it knows which guests there are and how large. The same random numbers give the same
/// steps, whatever executes them.
/// </summary>
internal sealed class StepSource(Random random)
{
    /// <summary>Most pages that a guest may have.</summary>
    public const int MostPages = 600;

    private const int PageBytes = PageContent.Bytes;
    private const int MostGuests = 6;
    private const int Contents = 6;

    private static readonly (StepKind Kind, int Weight)[] Weights =
    [
        (StepKind.Create, 4), (StepKind.Dispose, 2), (StepKind.Grow, 3), (StepKind.Store, 20), (StepKind.Fill, 24),
        (StepKind.Copy, 8), (StepKind.ReadFile, 5), (StepKind.Check, 12), (StepKind.Pin, 4), (StepKind.Unpin, 5),
        (StepKind.EnsureWritable, 3), (StepKind.Unshare, 1), (StepKind.SetSharing, 2), (StepKind.Scan, 20),
        (StepKind.CheckBooks, 2),
    ];

    private static readonly int TotalWeight = Weights.Sum(static entry => entry.Weight);

    private readonly List<Known> _guests = [];

    public Step Next()
    {
        var live = Enumerable.Range(0, _guests.Count).Where(guest => _guests[guest].Pages > 0).ToArray();
        var kind = live.Length == 0 ? StepKind.Create : PickKind();
        if (kind == StepKind.Create)
        {
            return live.Length < MostGuests ? Create() : new Step(StepKind.Scan, 0, 0, 0, 0);
        }

        var number = live[random.Next(live.Length)];
        var guest = _guests[number];
        switch (kind)
        {
            case StepKind.Grow when guest.IsAdopted || guest.Pages == MostPages:
            case StepKind.Dispose when guest.IsAdopted && guest.HasPins:
                return new Step(StepKind.Scan, 0, 0, 0, 0);
            case StepKind.Dispose:
                _guests[number] = guest with { Pages = 0 };
                return new Step(kind, number, 0, 0, 0);
            case StepKind.Grow:
                var more = Math.Min(1 + random.Next(40), MostPages - guest.Pages);
                _guests[number] = guest with { Pages = guest.Pages + more };
                return new Step(kind, number, 0, more * PageBytes, 0);
            case StepKind.Pin:
                _guests[number] = guest with { HasPins = true };
                return WithRange(kind, number, guest, 1 + random.Next(8 * PageBytes));
            case StepKind.Fill or StepKind.Copy when random.Next(3) != 0:
                return WithPages(kind, number, guest);
            case StepKind.Copy:
                return WithRange(kind, number, guest, 1 + random.Next(3 * PageBytes));
            case StepKind.Store:
                return WithRange(kind, number, guest, 1);
            default:
                return WithRange(kind, number, guest, 1 + random.Next(3 * PageBytes));
        }
    }

    private StepKind PickKind()
    {
        var choice = random.Next(TotalWeight);
        var entry = 0;
        while (choice >= Weights[entry].Weight)
        {
            choice -= Weights[entry++].Weight;
        }

        return Weights[entry].Kind;
    }

    /// <summary>Small ones mostly; some longer than one merge order.</summary>
    private Step Create()
    {
        var pages = 1 + random.Next(random.Next(4) == 0 ? MostPages : 40);
        var value = random.Next(8);
        _guests.Add(new Known(pages, GuestKinds.IsAdopted(value), HasPins: false));
        return new Step(StepKind.Create, _guests.Count - 1, 0, pages * PageBytes, value);
    }

    private Step WithPages(StepKind kind, int number, Known guest)
    {
        var pages = 1 + random.Next(Math.Min(guest.Pages, random.Next(5) == 0 ? 300 : 8));
        var first = random.Next(guest.Pages - pages + 1);
        return new Step(kind, number, first * PageBytes, pages * PageBytes, ValueOf(kind));
    }

    private Step WithRange(StepKind kind, int number, Known guest, int length)
    {
        length = Math.Min(length, guest.Pages * PageBytes);
        return new Step(kind, number, random.Next((guest.Pages * PageBytes) - length + 1), length, ValueOf(kind));
    }

    private int ValueOf(StepKind kind) => random.Next(kind == StepKind.Copy ? _guests.Count : Contents);

    private readonly record struct Known(int Pages, bool IsAdopted, bool HasPins);
}

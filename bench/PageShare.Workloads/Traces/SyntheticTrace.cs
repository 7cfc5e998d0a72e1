using PageShare.Memory;

namespace PageShare.Workloads.Traces;

/// <summary>
/// Memory made up, where there are no images: in runs of some pages, each of zeros, or of contents that all guests
/// have, or of contents that this guest alone has. Idle guests have many zeros; busy ones have filled these and changed
/// half of the rest, as real ones do.
/// </summary>
internal sealed unsafe class SyntheticTrace : IMemoryTrace
{
    private const int RunPages = 8;

    // Of each ten runs: the rest is a guest's own.
    private const int IdleZero = 4;
    private const int IdleCommon = 4;
    private const int ActiveZero = 1;
    private const int ActiveCommon = 5;

    private readonly int _runs;
    private readonly ulong _seed;
    private readonly Run[][] _idle;
    private readonly Run[][] _active;
    private readonly PageFiller _filler;

    /// <param name="guests">How many.</param>
    /// <param name="bytes">Of each.</param>
    /// <param name="seed">Of all contents and choices.</param>
    public SyntheticTrace(int guests, long bytes, ulong seed)
    {
        _runs = (int)(bytes / PageSize.Bytes / RunPages);
        _seed = seed;
        _filler = new PageFiller(seed);
        Name = $"{guests} synthetic guests of {_runs * (long)RunPages * PageSize.Bytes >> 20} MiB";
        Guests = [.. Enumerable.Range(0, guests).Select(static guest => $"guest-{guest}")];
        _idle = [.. Enumerable.Range(0, guests).Select(MakeIdle)];
        _active = [.. Enumerable.Range(0, guests).Select(MakeActive)];
    }

    private enum Kind
    {
        Zero,
        Common,
        Own,
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public IReadOnlyList<string> Guests { get; }

    /// <inheritdoc/>
    public int PagesOf(int guest) => _runs * RunPages;

    /// <inheritdoc/>
    public void Read(int guest, Moment moment, int page, Span<byte> into)
    {
        var runs = moment == Moment.Idle ? _idle[guest] : _active[guest];

        // SAFETY: the span is of whole pages, pinned while they are filled one by one.
        fixed (byte* start = into)
        {
            for (var i = 0; i < into.Length / PageSize.Bytes; i++)
            {
                var run = runs[(page + i) / RunPages];
                var to = start + ((long)i * PageSize.Bytes);
                if (run.Kind == Kind.Zero)
                {
                    new Span<byte>(to, PageSize.Bytes).Clear();
                }
                else
                {
                    _filler.Fill(to, (run.Content * RunPages) + (ulong)((page + i) % RunPages));
                }
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // It has nothing to free.
    }

    private Run[] MakeIdle(int guest) => Make(guest, 0, IdleZero, IdleCommon);

    private Run[] MakeActive(int guest)
    {
        var busy = Make(guest, 1, ActiveZero, ActiveCommon);
        var random = new SeededRandom(SeededRandom.Mix(_seed + 2, (ulong)guest));
        for (var run = 0; run < busy.Length; run++)
        {
            var before = _idle[guest][run];
            if (before.Kind != Kind.Zero && random.Below(2) == 0)
            {
                busy[run] = before;
            }
        }

        return busy;
    }

    /// <summary>Common contents lie in an order of each guest's own: guests hardly share what lies at the same
    /// place.</summary>
    private Run[] Make(int guest, int moment, int zeroTenths, int commonTenths)
    {
        var random = new SeededRandom(SeededRandom.Mix(_seed + (ulong)moment, (ulong)guest));
        var order = random.Order(_runs);
        var runs = new Run[_runs];
        for (var i = 0; i < _runs; i++)
        {
            // The same numbers of the order are common in every guest, so each of them is in all.
            runs[order[i]] = (i % 10) switch
            {
                var part when part < zeroTenths => new Run(Kind.Zero, 0),
                var part when part < zeroTenths + commonTenths => new Run(Kind.Common, ContentOf(moment, 0, i)),
                _ => new Run(Kind.Own, ContentOf(moment, guest + 1, i)),
            };
        }

        return runs;
    }

    private ulong ContentOf(int moment, int owner, int index) =>
        (((((ulong)owner * 2) + (ulong)moment) * (ulong)_runs) + (ulong)index) + 1;

    private readonly record struct Run(Kind Kind, ulong Content);
}

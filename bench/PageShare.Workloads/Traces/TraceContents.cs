using PageShare.Cli.Run;
using PageShare.Content;
using PageShare.Memory;

namespace PageShare.Workloads.Traces;

/// <summary>
/// Which pages of a trace are equal: each content has a number, <see cref="Zero"/> is that of pages of zeros. From then
/// on equality is a comparison of numbers, so the optimum can be kept exactly while pages are written.
/// </summary>
/// <remarks>
/// Contents are told apart by a digest of 128 bits that is not the engine's hash: among n of them two are mixed up with
/// a probability of n² / 2^129. Immutable.
/// </remarks>
internal sealed class TraceContents
{
    /// <summary>The number of pages of zeros.</summary>
    public const int Zero = 0;

    private const int PagesAtOnce = 256;

    private readonly int[][] _idle;
    private readonly int[][] _active;

    /// <param name="idle">Of each guest, the content of each page.</param>
    /// <param name="active">The same later.</param>
    /// <param name="count">Contents, zeros among them: numbers are below.</param>
    public TraceContents(int[][] idle, int[][] active, int count)
    {
        _idle = idle;
        _active = active;
        Count = count;
    }

    /// <summary>Different contents of both moments, zeros among them.</summary>
    public int Count { get; }

    /// <summary>Guests.</summary>
    public int Guests => _idle.Length;

    /// <summary>The contents of a guest's pages at a moment.</summary>
    public ReadOnlySpan<int> this[int guest, Moment moment] => (moment == Moment.Idle ? _idle : _active)[guest];

    /// <summary>Reads a whole trace.</summary>
    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    public static TraceContents Of(IMemoryTrace trace, CancellationToken stop)
    {
        var numbers = new Dictionary<UInt128, int>();
        var guests = Enumerable.Range(0, trace.Guests.Count);
        int[][] NumbersAt(Moment moment) =>
            [.. guests.Select(guest => NumbersOf(trace, guest, moment, numbers, stop))];
        return new TraceContents(NumbersAt(Moment.Idle), NumbersAt(Moment.Active), numbers.Count + 1);
    }

    private static int[] NumbersOf(
        IMemoryTrace trace, int guest, Moment moment, Dictionary<UInt128, int> numbers, CancellationToken stop)
    {
        var result = new int[trace.PagesOf(guest)];
        var buffer = new byte[PagesAtOnce * PageSize.Bytes];
        for (var first = 0; first < result.Length; first += PagesAtOnce)
        {
            stop.ThrowIfCancellationRequested();
            var pages = Math.Min(PagesAtOnce, result.Length - first);
            trace.Read(guest, moment, first, buffer.AsSpan(0, pages * PageSize.Bytes));
            for (var i = 0; i < pages; i++)
            {
                result[first + i] = NumberOf(buffer.AsSpan(i * PageSize.Bytes, PageSize.Bytes), numbers);
            }
        }

        return result;
    }

    private static int NumberOf(ReadOnlySpan<byte> page, Dictionary<UInt128, int> numbers)
    {
        if (ZeroPage.IsZero(page))
        {
            return Zero;
        }

        var digest = PageDigest.Of(page);
        if (!numbers.TryGetValue(digest, out var number))
        {
            number = numbers.Count + 1;
            numbers.Add(digest, number);
        }

        return number;
    }
}

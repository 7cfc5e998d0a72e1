using PageShare.Benchmarks.Memory;

namespace PageShare.Benchmarks.EndToEnd;

/// <summary>Breaks pages of a converged guest set, one store at a time.</summary>
/// <param name="set">The guests.</param>
/// <param name="options">How many breaks, and their order.</param>
internal sealed unsafe class BreakProbe(GuestSet set, FigureOptions options)
{
    /// <summary>Stores page by page to the first of guest 0's common pages.</summary>
    public StoreTimes Sequential() => Measure(0, [.. Enumerable.Range(0, options.Breaks)]);

    /// <summary>Stores to common pages of guest 1 all over it.</summary>
    public StoreTimes Random() =>
        Measure(1, new SeededRandom(options.Seed).Order(set.CommonPages).AsSpan(0, options.Breaks));

    /// <summary>The floor: first stores to anonymous memory.</summary>
    public StoreTimes FirstTouch()
    {
        using var buffer = new PageBuffer(options.Breaks);
        var pages = new byte*[options.Breaks];
        for (var i = 0; i < pages.Length; i++)
        {
            pages[i] = buffer.PageAt(i);
        }

        return StoreTimes.Measure(pages);
    }

    private StoreTimes Measure(int guest, ReadOnlySpan<int> indices)
    {
        var pages = new byte*[indices.Length];
        var sum = 0;
        for (var i = 0; i < pages.Length; i++)
        {
            pages[i] = set.PageAt(guest, set.PageOfCommon(indices[i]));
            sum += *pages[i]; // guests read more than they write, so the page is mapped when it breaks
        }

        GC.KeepAlive(sum);
        return StoreTimes.Measure(pages);
    }
}

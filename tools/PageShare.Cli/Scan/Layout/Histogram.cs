using System.Numerics;
using System.Text.Json.Serialization;

namespace PageShare.Cli.Scan.Layout;

/// <summary>
/// How many things there are of each size, and their pages, in classes that double: 1, 2, 3–4, 5–8, and so on.
/// </summary>
internal sealed class Histogram
{
    private readonly long[] _things = new long[sizeof(ulong) * 8];
    private readonly long[] _pages = new long[sizeof(ulong) * 8];

    /// <summary>Adds a thing of that many pages.</summary>
    public void Add(long pages)
    {
        int @class = pages <= 1 ? 0 : BitOperations.Log2((ulong)pages - 1) + 1;
        _things[@class]++;
        _pages[@class] += pages;
    }

    /// <summary>The classes that have something, from the smallest.</summary>
    /// <param name="share">The share of things that were added; what is returned stands for all of them.</param>
    public IReadOnlyList<SizeClass> Classes(double share = 1) =>
    [
        .. Enumerable.Range(0, _things.Length).Where(@class => _things[@class] > 0).Select(@class => new SizeClass
        {
            From = @class == 0 ? 1 : (1L << (@class - 1)) + 1,
            To = 1L << @class,
            Count = (long)Math.Round(_things[@class] / share),
            Pages = (long)Math.Round(_pages[@class] / share),
        }),
    ];
}

/// <summary>One class of a distribution.</summary>
internal sealed record SizeClass
{
    /// <summary>Smallest size of the class.</summary>
    public required long From { get; init; }

    /// <summary>Largest size of the class.</summary>
    public required long To { get; init; }

    /// <summary>Its sizes as people read them: <c>3–4</c>.</summary>
    [JsonIgnore]
    public string RangeText => From == To ? Quantity.Count(From) : $"{Quantity.Count(From)}–{Quantity.Count(To)}";

    /// <summary>How many things are in it.</summary>
    public required long Count { get; init; }

    /// <summary>How many pages these are.</summary>
    public required long Pages { get; init; }
}

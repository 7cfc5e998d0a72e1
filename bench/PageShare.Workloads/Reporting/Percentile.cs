namespace PageShare.Workloads.Reporting;

/// <summary>Percentiles by nearest rank: always a value that was measured.</summary>
internal static class Percentile
{
    /// <summary>The value that so many percent did not exceed.</summary>
    /// <param name="sorted">Ascending, not empty.</param>
    /// <param name="percent">Above 0, at most 100.</param>
    /// <exception cref="ArgumentException">There is nothing to choose from.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The percentage is out of range.</exception>
    public static T Of<T>(ReadOnlySpan<T> sorted, double percent)
    {
        if (!(percent > 0 && percent <= 100))
        {
            throw new ArgumentOutOfRangeException(nameof(percent), percent, "A percentile is above 0 and at most 100.");
        }

        if (sorted.IsEmpty)
        {
            throw new ArgumentException("There are no values.", nameof(sorted));
        }

        return sorted[Math.Max(0, (int)Math.Ceiling(percent / 100 * sorted.Length) - 1)];
    }

    /// <inheritdoc cref="Of{T}(ReadOnlySpan{T}, double)"/>
    public static T Of<T>(T[] sorted, double percent) => Of<T>(sorted.AsSpan(), percent);

    /// <summary>The item in the middle by some figure: of an even number, the lower of the two.</summary>
    public static T MedianBy<T>(IEnumerable<T> items, Func<T, double> figure) =>
        Of<T>([.. items.OrderBy(figure)], 50);
}

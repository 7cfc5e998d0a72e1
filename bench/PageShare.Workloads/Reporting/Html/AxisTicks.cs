namespace PageShare.Workloads.Reporting.Html;

/// <summary>Where an axis from zero has its marks: at round numbers.</summary>
internal static class AxisTicks
{
    /// <summary>Marks from zero to the first one at or beyond the largest value.</summary>
    /// <param name="largest">Of the axis; below or at zero counts as one.</param>
    /// <param name="most">Most steps, one at least.</param>
    public static IReadOnlyList<double> Of(double largest, int most)
    {
        largest = largest > 0 && double.IsFinite(largest) ? largest : 1;
        var step = RoundUp(largest / most);
        var count = (int)Math.Ceiling((largest / step) - 1e-9);
        return [.. Enumerable.Range(0, count + 1).Select(mark => mark * step)];
    }

    /// <summary>The next of 1, 2 and 5 times a power of ten.</summary>
    private static double RoundUp(double value)
    {
        var power = Math.Pow(10, Math.Floor(Math.Log10(value)));
        return power * ((value / power) switch
        {
            <= 1.0000001 => 1,
            <= 2.0000001 => 2,
            <= 5.0000001 => 5,
            _ => 10,
        });
    }
}

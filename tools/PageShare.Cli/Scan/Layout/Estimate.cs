namespace PageShare.Cli.Scan.Layout;

/// <summary>A number known from a sample, with the range that holds the true one in 95 of 100 samples.</summary>
/// <param name="Value">The estimate.</param>
/// <param name="Low">Lower end.</param>
/// <param name="High">Upper end.</param>
internal readonly record struct Estimate(long Value, long Low, long High)
{
    /// <summary>How often the range holds the true number.</summary>
    public const double Confidence = 0.95;

    /// <summary>Standard deviations either side of the mean that hold 95 % of a normal distribution.</summary>
    public const double Deviations = 1.959964;

    /// <summary>
    /// Estimates how many contents there are. Each is in the sample by chance, on its own, with the same probability,
    /// however many pages have it: so a content with a million pages disturbs no more than any other.
    /// </summary>
    /// <remarks>
    /// The number found is binomial. Its range is Wilson's kind of interval, solved for the mean, which holds for small
    /// numbers and for none as well (Wilson, "Probable Inference", 1927).
    /// </remarks>
    /// <param name="found">Contents in the sample.</param>
    /// <param name="share">Probability of being in the sample.</param>
    /// <param name="most">What there can be at most.</param>
    /// <param name="weight">Most that one content counts for.</param>
    public static Estimate OfSample(long found, double share, long most, int weight = 1)
    {
        if (share >= 1)
        {
            return new Estimate(found, found, found);
        }

        double square = Deviations * Deviations * weight * (1 - share);
        double middle = found + (square / 2);
        double half = Math.Sqrt((found * square) + (square * square / 4));
        return new Estimate(
            Math.Min((long)Math.Round(found / share), most),
            Math.Clamp((long)Math.Floor((middle - half) / share), Math.Min(found, most), most),
            Math.Min((long)Math.Ceiling((middle + half) / share), most));
    }

    /// <summary>What is left of a number that is known.</summary>
    public Estimate From(long whole) => new(whole - Value, whole - High, whole - Low);
}

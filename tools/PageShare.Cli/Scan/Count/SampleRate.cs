using System.Globalization;

namespace PageShare.Cli.Scan.Count;

/// <summary>
/// The share of contents that is looked at. Whether one is depends on its hash alone, so all pages with it are in the
/// sample or none is, and duplicates are counted in full.
/// </summary>
/// <param name="Share">Above 0, at most 1.</param>
internal readonly record struct SampleRate(double Share)
{
    private const double Hashes = 18446744073709551616.0;

    /// <summary>All of them.</summary>
    public static SampleRate All { get; } = new(1);

    /// <summary>Whether it is all of them.</summary>
    public bool IsAll => Share >= 1;

    /// <summary>The first upper half of a hash that is not in the sample; the largest number if all are.</summary>
    public ulong Limit => IsAll ? ulong.MaxValue : Math.Max(1, (ulong)(Share * Hashes));

    /// <summary>Whether a content is in the sample.</summary>
    public bool Has(in PageDigest page) => IsAll || page.High < Limit;

    /// <summary>Reads <c>1%</c>, <c>0.5 %</c> or <c>0.01</c>; false if it is no share.</summary>
    public static bool TryParse(string text, out SampleRate rate)
    {
        string number = text.Trim();
        bool isPercent = number.EndsWith('%');
        number = isPercent ? number[..^1].TrimEnd() : number;
        rate = default;
        if (!double.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double share))
        {
            return false;
        }

        share = isPercent ? share / 100 : share;
        rate = new SampleRate(share);
        return share is > 0 and <= 1;
    }
}

using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace PageShare;

/// <summary>The one way in which options are refused, so that every message has the same three parts.</summary>
internal static class OptionRange
{
    /// <exception cref="ArgumentOutOfRangeException">
    /// The value is not between the limits, both inclusive, or is NaN.
    /// </exception>
    internal static void Between(double value, double minimum, double maximum, string unit, string option) =>
        Require(
            value >= minimum && value <= maximum,
            value,
            string.Create(CultureInfo.InvariantCulture, $"between {minimum} and {maximum} {unit}"),
            option);

    /// <exception cref="ArgumentOutOfRangeException">The value is not between the limits, both inclusive.</exception>
    internal static void Between(TimeSpan value, TimeSpan minimum, TimeSpan maximum, string option) =>
        Require(value >= minimum && value <= maximum, value, $"between {minimum:c} and {maximum:c}", option);

    /// <exception cref="ArgumentOutOfRangeException"><paramref name="allowed"/> is false.</exception>
    internal static void Require([DoesNotReturnIf(false)] bool allowed, object? value, string range, string option)
    {
        if (!allowed)
        {
            var shown = value is null ? "null" : Convert.ToString(value, CultureInfo.InvariantCulture);
            throw new ArgumentOutOfRangeException(option, value, $"{option} is {shown}, but must be {range}.");
        }
    }
}

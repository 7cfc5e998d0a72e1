using System.CommandLine;
using System.Globalization;

namespace PageShare.Cli.Run;

/// <summary>Durations on the command line: a number and one of <c>ms</c>, <c>s</c>, <c>m</c>, <c>h</c>; seconds
/// without.</summary>
internal static class DurationText
{
    private static readonly (string Unit, double Seconds)[] Units = [("ms", 0.001), ("s", 1), ("m", 60), ("h", 3600)];

    // A timer takes no more than 2^32 milliseconds, some 49 days.
    private static readonly TimeSpan Longest = TimeSpan.FromDays(30);

    /// <summary>An option that takes one.</summary>
    public static Option<TimeSpan?> Option(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "TIME",
        CustomParser = argument =>
        {
            string text = argument.Tokens.Count > 0 ? argument.Tokens[0].Value : "";
            if (TryParse(text, out TimeSpan duration))
            {
                return duration;
            }

            argument.AddError($"{name}: '{text}' is no duration above zero. Write 500ms, 20s, 2m or 1h.");
            return null;
        },
    };

    /// <summary>Parses a duration above zero; false if it isn't one.</summary>
    public static bool TryParse(string text, out TimeSpan duration)
    {
        duration = default;
        double secondsPerUnit = 1;
        string number = text;
        foreach ((string unit, double seconds) in Units)
        {
            if (text.EndsWith(unit, StringComparison.Ordinal))
            {
                number = text[..^unit.Length];
                secondsPerUnit = seconds;
                break;
            }
        }

        if (!double.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double value))
        {
            return false;
        }

        double total = value * secondsPerUnit;
        if (!(total > 0) || total > Longest.TotalSeconds)
        {
            return false;
        }

        duration = TimeSpan.FromSeconds(total);
        return true;
    }
}

using System.CommandLine;
using System.Globalization;
using PageShare.Cli.Scan;

namespace PageShare.Cli;

/// <summary>
/// Options that several commands have. They parse by themselves, since the parser's own messages speak of .NET types.
/// </summary>
internal static class CommandOptions
{
    /// <summary><c>--json</c>.</summary>
    public static Option<bool> Json() => new("--json")
    {
        Description = "Print one JSON object to standard output, and all else to standard error.",
    };

    /// <summary><c>--html FILE</c>.</summary>
    public static Option<string?> Html() => new("--html")
    {
        Description = "Write the report as one self-contained web page, too.",
        HelpName = "FILE",
    };

    /// <summary><c>--threads N</c>.</summary>
    public static Option<int?> Threads(string description) => new("--threads")
    {
        Description = description,
        HelpName = "N",
        CustomParser = argument =>
        {
            string text = argument.Tokens.Count > 0 ? argument.Tokens[0].Value : "";
            if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int threads)
                && threads is >= 1 and <= ScanOptions.MostThreads)
            {
                return threads;
            }

            argument.AddError($"--threads: '{text}' is not between 1 and {ScanOptions.MostThreads}.");
            return null;
        },
    };

    /// <summary>An option with a number above zero.</summary>
    public static Option<double?> Number(string name, string helpName, string description) => new(name)
    {
        Description = description,
        HelpName = helpName,
        CustomParser = argument =>
        {
            string text = argument.Tokens.Count > 0 ? argument.Tokens[0].Value : "";
            if (double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double number)
                && number > 0)
            {
                return number;
            }

            argument.AddError($"{name}: '{text}' is no number above zero.");
            return null;
        },
    };

    /// <summary>The parser takes a mistyped option for one target more: this refuses it.</summary>
    public static Argument<string[]> RefusingOptions(this Argument<string[]> targets, string command)
    {
        targets.Validators.Add(result =>
        {
            foreach (string name in result.Tokens.Select(token => token.Value).Where(name => name.StartsWith('-')))
            {
                result.AddError($"'{name}' is no option of {command}. A file of that name is written ./{name}.");
            }
        });
        return targets;
    }
}

using System.CommandLine;
using System.CommandLine.Completions;

namespace PageShare.Cli.Manual;

/// <summary>A command and all that can be written behind it, as manual and completions need it.</summary>
/// <param name="Name">Its name; empty for the program itself.</param>
/// <param name="Description">What it does.</param>
/// <param name="Options">Its options, the inherited ones left out.</param>
/// <param name="Arguments">Its arguments.</param>
/// <param name="Notes">What its help says beyond that.</param>
/// <param name="Examples">Examples, each with what it is for.</param>
internal sealed record CommandWords(
    string Name,
    string Description,
    IReadOnlyList<OptionWords> Options,
    IReadOnlyList<ArgumentWords> Arguments,
    string Notes,
    IReadOnlyList<(string What, string CommandLine)> Examples)
{
    /// <summary>Describes a command.</summary>
    public static CommandWords Of(Command command) => new(
        command is RootCommand ? "" : command.Name,
        command.Description ?? "",
        [.. command.Options.Where(option => !option.Hidden).Select(OptionWords.Of)],
        [.. command.Arguments.Where(argument => !argument.Hidden).Select(ArgumentWords.Of)],
        ExampleHelp.Of(command)?.Notes ?? "",
        ExampleHelp.Of(command)?.Examples ?? []);

    /// <summary>Describes the commands below one that are for people, in the order of its help.</summary>
    public static IReadOnlyList<CommandWords> Below(Command command) =>
        [.. command.Subcommands.Where(below => !below.Hidden).Select(Of)];
}

/// <summary>An option.</summary>
/// <param name="Names">All its names, the longest first.</param>
/// <param name="Description">What it does.</param>
/// <param name="Value">What stands behind it; empty if nothing does.</param>
/// <param name="Choices">All that may, if it is few words.</param>
internal sealed record OptionWords(
    IReadOnlyList<string> Names, string Description, string Value, IReadOnlyList<string> Choices)
{
    /// <summary>Whether a path may stand behind it.</summary>
    public bool TakesPath => Value.Contains("FILE", StringComparison.Ordinal)
        || Value.Contains("PATH", StringComparison.Ordinal)
        || Value.Contains("IMAGE", StringComparison.Ordinal)
        || Value.Contains("RECORDING", StringComparison.Ordinal)
        || Value.Contains("FOLDER", StringComparison.Ordinal)
        || Value.Contains("SOCKET", StringComparison.Ordinal);

    /// <summary>Describes an option.</summary>
    public static OptionWords Of(Option option)
    {
        bool takesValue = option.Arity.MaximumNumberOfValues > 0 && option.ValueType != typeof(bool);
        string[] choices = takesValue ? ChoicesOf(option) : [];
        string value = option.HelpName ?? (choices.Length > 0 ? string.Join('|', choices) : "VALUE");
        return new OptionWords(
            [.. option.Aliases.Append(option.Name).Where(IsOfThisSystem).Distinct().OrderByDescending(name => name.Length)],
            option.Description ?? "",
            takesValue ? value : "",
            choices);
    }

    /// <summary>The parser knows <c>/h</c> and <c>-?</c> too, which nobody writes here and shells would
    /// expand.</summary>
    private static bool IsOfThisSystem(string name) => name.StartsWith('-') && !name.Contains('?');

    private static string[] ChoicesOf(Option option) =>
        [.. option.GetCompletions(CompletionContext.Empty).Select(item => item.Label)];
}

/// <summary>An argument.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Description">What it is.</param>
/// <param name="IsOptional">Whether it may be left out.</param>
/// <param name="IsRepeated">Whether there may be several.</param>
/// <param name="Choices">All that it may be, if it is few words.</param>
internal sealed record ArgumentWords(
    string Name, string Description, bool IsOptional, bool IsRepeated, IReadOnlyList<string> Choices)
{
    /// <summary>As in a synopsis: <c>[TARGET...]</c>.</summary>
    public string Synopsis
    {
        get
        {
            string name = IsRepeated ? $"{Name}..." : Name;
            return IsOptional ? $"[{name}]" : name;
        }
    }

    /// <summary>Describes an argument.</summary>
    public static ArgumentWords Of(Argument argument) => new(
        argument.Name,
        argument.Description ?? "",
        argument.Arity.MinimumNumberOfValues == 0,
        argument.Arity.MaximumNumberOfValues > 1,
        [.. argument.GetCompletions(CompletionContext.Empty).Select(item => item.Label)]);
}

using System.CommandLine;
using System.Text;

namespace PageShare.Cli.Manual;

/// <summary>Completions for fish (its documentation, "Writing your own completions").</summary>
internal static class FishCompletion
{
    /// <summary>Writes the script.</summary>
    public static string Write(RootCommand root)
    {
        var script = new StringBuilder("# fish completion for pageshare: pageshare completion fish | source\n");
        foreach (OptionWords option in CommandWords.Of(root).Options)
        {
            AppendOption(script, "__fish_use_subcommand", option);
        }

        foreach (CommandWords command in CommandWords.Below(root))
        {
            script.Append($"complete -c pageshare -f -n __fish_use_subcommand -a {command.Name} "
                + $"-d {Quoted(command.Description)}\n");
            string condition = $"__fish_seen_subcommand_from {command.Name}";
            foreach (OptionWords option in command.Options)
            {
                AppendOption(script, condition, option);
            }

            foreach (ArgumentWords argument in command.Arguments)
            {
                string values = argument.Choices.Count > 0 ? $"-f -a {Quoted(string.Join(' ', argument.Choices))}" : "-F";
                script.Append($"complete -c pageshare -n {Quoted(condition)} {values}\n");
            }
        }

        return script.ToString();
    }

    private static void AppendOption(StringBuilder script, string condition, OptionWords option)
    {
        script.Append($"complete -c pageshare -n {Quoted(condition)}");
        foreach (string name in option.Names)
        {
            script.Append(name.StartsWith("--", StringComparison.Ordinal) ? $" -l {name[2..]}" : $" -s {Quoted(name[1..])}");
        }

        if (option.Value.Length > 0)
        {
            script.Append(option.TakesPath ? " -r -F" : " -x");
            script.Append(option.Choices.Count > 0 ? $" -a {Quoted(string.Join(' ', option.Choices))}" : "");
        }

        script.Append($" -d {Quoted(option.Description)}\n");
    }

    private static string Quoted(string text) =>
        $"'{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "\\'", StringComparison.Ordinal)}'";
}

using System.CommandLine;
using System.Text;

namespace PageShare.Cli.Manual;

/// <summary>Completions for zsh (zshcompsys(1)).</summary>
internal static class ZshCompletion
{
    /// <summary>Writes the script.</summary>
    public static string Write(RootCommand root)
    {
        IReadOnlyList<CommandWords> commands = CommandWords.Below(root);
        var script = new StringBuilder("#compdef pageshare\n# zsh completion for pageshare: put it into a file _pageshare "
            + "of a folder in $fpath\n_pageshare() {\n    local -a commands\n    commands=(\n");
        foreach (CommandWords command in commands)
        {
            script.Append($"        {Quoted($"{command.Name}:{command.Description}")}\n");
        }

        script.Append("    )\n    if (( CURRENT == 2 )); then\n        _describe command commands\n");
        AppendArguments(script, CommandWords.Of(root), "        ");
        script.Append("        return\n    fi\n    local name=$words[2]\n    shift words\n    (( CURRENT-- ))\n"
            + "    case $name in\n");
        foreach (CommandWords command in commands)
        {
            script.Append($"        {command.Name})\n");
            AppendArguments(script, command, "            ");
            script.Append("            ;;\n");
        }

        script.Append("    esac\n}\nif [[ $funcstack[1] == _pageshare ]]; then\n    _pageshare \"$@\"\nelse\n"
            + "    compdef _pageshare pageshare\nfi\n");
        return script.ToString();
    }

    private static void AppendArguments(StringBuilder script, CommandWords command, string indent)
    {
        script.Append($"{indent}_arguments");
        foreach (OptionWords option in command.Options)
        {
            foreach (string name in option.Names)
            {
                string value = option.Value.Length == 0 ? "" : $":{Plain(option.Value)}:{Action(option)}";
                script.Append($" \\\n{indent}    {Quoted($"*{name}[{Plain(option.Description)}]{value}")}");
            }
        }

        foreach (ArgumentWords argument in command.Arguments)
        {
            string action = argument.Choices.Count > 0 ? $"({string.Join(' ', argument.Choices)})" : "_files";
            script.Append($" \\\n{indent}    {Quoted($"*:{Plain(argument.Name)}:{action}")}");
        }

        script.Append('\n');
    }

    private static string Action(OptionWords option)
    {
        if (option.Choices.Count > 0)
        {
            return $"({string.Join(' ', option.Choices)})";
        }

        return option.TakesPath ? "_files" : " ";
    }

    /// <summary>Colons and brackets mean something in a specification.</summary>
    private static string Plain(string text) => text
        .Replace(":", "\\:", StringComparison.Ordinal)
        .Replace("[", "\\[", StringComparison.Ordinal)
        .Replace("]", "\\]", StringComparison.Ordinal);

    private static string Quoted(string text) => $"'{text.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}

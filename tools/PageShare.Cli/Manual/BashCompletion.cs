using System.CommandLine;
using System.Text;

namespace PageShare.Cli.Manual;

/// <summary>Completions for bash (its manual, "Programmable Completion").</summary>
internal static class BashCompletion
{
    /// <summary>Writes the script.</summary>
    public static string Write(RootCommand root)
    {
        IReadOnlyList<CommandWords> commands = CommandWords.Below(root);
        var script = new StringBuilder();
        script.Append("""
            # bash completion for pageshare: source <(pageshare completion bash)
            _pageshare() {
                local current="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD-1]}" command="" word words=""
                COMPREPLY=()
                for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do

            """);
        string names = string.Join(' ', commands.Select(command => command.Name));
        script.Append($"        case \"$word\" in {names.Replace(' ', '|')}) command=\"$word\"; break ;; esac\n    done\n");
        script.Append("    case \"$command $previous\" in\n");
        foreach (CommandWords command in commands)
        {
            foreach (OptionWords option in command.Options.Where(option => option.Value.Length > 0))
            {
                string patterns = string.Join('|', option.Names.Select(name => $"\"{command.Name} {name}\""));
                string reply = option.Choices.Count > 0
                    ? $"mapfile -t COMPREPLY < <(compgen -W \"{string.Join(' ', option.Choices)}\" -- \"$current\")"
                    : option.TakesPath
                        ? "mapfile -t COMPREPLY < <(compgen -f -- \"$current\")"
                        : "COMPREPLY=()";
                script.Append($"        {patterns}) {reply}; return ;;\n");
            }
        }

        script.Append("    esac\n    case \"$command\" in\n");
        script.Append($"        \"\") words=\"{names} {OptionNames(CommandWords.Of(root))}\" ;;\n");
        foreach (CommandWords command in commands)
        {
            string choices = string.Join(' ', command.Arguments.SelectMany(argument => argument.Choices));
            script.Append($"        {command.Name}) words=\"{OptionNames(command)} {choices}\" ;;\n");
        }

        script.Append("""
                esac
                mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
                if [[ -n "$command" && "$current" != -* ]]; then
                    mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$current")
                fi
            }
            complete -o filenames -F _pageshare pageshare

            """);
        return script.ToString();
    }

    private static string OptionNames(CommandWords command) =>
        string.Join(' ', command.Options.SelectMany(option => option.Names));
}

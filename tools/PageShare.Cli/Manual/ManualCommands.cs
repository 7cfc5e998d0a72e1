using System.CommandLine;

namespace PageShare.Cli.Manual;

/// <summary>
/// The commands that describe the others, for packagers and shells: <c>pageshare man</c> and
/// <c>pageshare completion</c>. Hidden, since few who read the help want them.
/// </summary>
internal static class ManualCommands
{
    /// <summary>Adds them to the program's commands.</summary>
    public static void AddTo(RootCommand root)
    {
        var man = new Command("man", "Writes the manual page, in roff: pageshare man > pageshare.1") { Hidden = true };
        man.SetAction(_ => Write(ManualPage.Write(root)));
        root.Add(man);

        var shell = new Argument<string>("SHELL") { Description = "bash, zsh or fish." };
        shell.AcceptOnlyFromAmong("bash", "zsh", "fish");
        var completion = new Command(
            "completion", "Writes completions for a shell: source <(pageshare completion bash)")
        { Hidden = true };
        completion.Add(shell);
        completion.SetAction(parsed => Write(parsed.GetValue(shell) switch
        {
            "zsh" => ZshCompletion.Write(root),
            "fish" => FishCompletion.Write(root),
            _ => BashCompletion.Write(root),
        }));
        root.Add(completion);
    }

    private static int Write(string text)
    {
        Console.Out.Write(text);
        return ExitCode.Success;
    }
}

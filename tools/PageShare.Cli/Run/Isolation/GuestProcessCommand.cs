using System.CommandLine;
using PageShare.Cli.Processes;

namespace PageShare.Cli.Run.Isolation;

/// <summary>The definition of <c>pageshare guest-process</c>, which <c>pageshare run</c> starts and nobody else: it is in
/// no list of commands.</summary>
internal static class GuestProcessCommand
{
    /// <summary>The command's name.</summary>
    public const string Name = "guest-process";

    /// <summary>The name of the option with the run's socket.</summary>
    public const string ControlOption = "--control";

    /// <summary>The name of the option with the user id that the process shall take.</summary>
    public const string UidOption = "--uid";

    private static readonly Option<string> Control = new(ControlOption) { Required = true };

    private static readonly Option<uint?> Uid = new(UidOption);

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var command = new Command(Name, "A guest of 'pageshare run'.") { Control, Uid };
        command.Hidden = true;
        command.SetAction(parsed => Program.Guard(() =>
        {
            string path = parsed.GetValue(Control)!;
            if (parsed.GetValue(Uid) is uint uid)
            {
                // Comes back here as a new program without the option.
                ProcessUser.BecomeAndRestart(uid, [Name, ControlOption, path]);
            }

            using Lifeline lifeline = Lifeline.EndAbruptly();
            return GuestProgram.Run(path);
        }));
        return command;
    }
}

using System.CommandLine;
using PageShare.Host;
using PageShare.Protocol.Messages;

namespace PageShare.Cli.Hosting;

/// <summary>The definition of <c>pageshare guest</c>: an operator's orders about one guest of a running host.</summary>
internal static class GuestCommand
{
    private const string Notes = """
        Exit codes:
          0  done
          1  no host is there, it refuses, or there is no such guest
          2  bad usage
        """;

    private static readonly Option<string?> Socket = HostSocket.Option();

    private static readonly Argument<string> Name = new("NAME")
    {
        Description = "The guest's name, as 'pageshare status' shows it: USER/NAME where two users have one of that name.",
    };

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var command = new Command("guest", "Leaves a guest of a running host alone, or shares it again.")
        {
            Order("pause", "Merges no more of its pages; what is shared stays so until it is written.", ControlAction.Pause),
            Order("resume", "Shares its pages again.", ControlAction.Resume),
            Order("unshare", "Gives each of its shared pages a copy of its own, now.", ControlAction.Unshare),
        };
        ExampleHelp.AddTo(
            command,
            Notes,
            ("No more merges in a guest, and all its pages its own:", "pageshare guest pause web-1 && pageshare guest unshare web-1"),
            ("Share it again:", "pageshare guest resume web-1"));
        return command;
    }

    private static Command Order(string verb, string description, ControlAction action)
    {
        var command = new Command(verb, description) { Name, Socket };
        ExampleHelp.AddTo(command, Notes, ("For example:", $"pageshare guest {verb} web-1"));
        command.SetAction(parsed => Program.Guard(() => Execute(
            action, parsed.GetValue(Name)!, parsed.GetValue(Socket))));
        return command;
    }

    private static int Execute(ControlAction action, string name, string? socket)
    {
        HostSocket.RequireLinux("guest");
        using StatusClient client = HostSocket.Connect(socket);
        return HostSocket.Ask(() =>
        {
            client.Control(action, name);
            return ExitCode.Success;
        });
    }
}

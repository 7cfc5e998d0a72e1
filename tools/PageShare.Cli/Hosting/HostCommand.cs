using System.CommandLine;
using PageShare.Cli.Processes;
using PageShare.Host;
using PageShare.Host.Configuration;

namespace PageShare.Cli.Hosting;

/// <summary>The definition of <c>pageshare host</c>: the service that gives other processes their memory.</summary>
internal static class HostCommand
{
    private const string Notes = """
        The host gives guest processes memory over a Unix socket, and shares their equal pages while the machine is idle.
        Without configuration only processes of the same user may connect, and each user's guests share among themselves.
        Settings come from the file, then from variables PAGESHARE_..., then from options; later ones win.
        A host that dies takes nothing with it: guests keep their memory, and go on with the next one on the same socket.

        Exit codes:
          0  ended by SIGTERM or Ctrl-C
          1  it could not start, or broke down; the log on standard error says why
          2  bad usage, or a configuration that can't be used
        """;

    private static readonly Option<string?> Socket = HostSocket.Option();

    private static readonly Option<string?> Config = new("--config")
    {
        Description = "Configuration file, JSON.",
        HelpName = "FILE",
    };

    private static readonly Option<string?> Http = new("--http")
    {
        Description = "Serve metrics, status and a live page: http://127.0.0.1:9750, or unix:/PATH (default: nowhere).",
        HelpName = "ADDRESS",
    };

    private static readonly Option<string[]> Settings = new("--set")
    {
        Description = "One setting, such as engine.cpuBudgetPercent=50; may be repeated.",
        HelpName = "KEY=VALUE",
    };

    // For those who start a host for themselves: it ends when they do, and standard input with them.
    private static readonly Option<bool> WithLifeline = new("--lifeline") { Hidden = true };

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var command = new Command("host", "Serves guests in other processes: gives them memory and shares their equal pages.")
        {
            Socket, Config, Http, Settings, WithLifeline,
        };
        ExampleHelp.AddTo(
            command,
            Notes,
            ("A host for processes of this user, with a page to look at:",
                "pageshare host --socket /tmp/pageshare.sock --http http://127.0.0.1:9750"),
            ("A host for a machine:", "pageshare host --config /etc/pageshare/host.json"),
            ("The same with twice the CPU for scanning:",
                "pageshare host --config /etc/pageshare/host.json --set engine.cpuBudgetPercent=50"));
        command.SetAction(parsed => Program.Guard(() => Execute(parsed)));
        return command;
    }

    private static int Execute(ParseResult parsed)
    {
        HostSocket.RequireLinux("host");
        HostConfiguration configuration = Load(parsed);
        using var end = new CancellationTokenSource();
        using Lifeline? lifeline = parsed.GetValue(WithLifeline)
            ? Lifeline.EndCleanly(end, patience: TimeSpan.FromSeconds(5))
            : null;
        return PageShareHost.RunAsync(configuration, end.Token).GetAwaiter().GetResult();
    }

    private static HostConfiguration Load(ParseResult parsed)
    {
        var settings = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string setting in parsed.GetValue(Settings) ?? [])
        {
            string[] parts = setting.Split('=', 2);
            settings[parts[0]] = parts.Length == 2
                ? parts[1]
                : throw CommandException.BadUsage($"--set {setting}: write KEY=VALUE.");
        }

        if (parsed.GetValue(Socket) is string socket)
        {
            settings["socket"] = socket;
        }

        if (parsed.GetValue(Http) is string http)
        {
            settings["http"] = http;
        }

        try
        {
            return HostConfiguration.Load(new HostOptions { File = parsed.GetValue(Config), Settings = settings });
        }
        catch (HostConfigurationException wrong)
        {
            throw CommandException.BadUsage(wrong.Message, wrong);
        }
    }
}

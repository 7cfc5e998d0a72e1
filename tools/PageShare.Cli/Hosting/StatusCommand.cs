using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Serialization;
using PageShare.Host;
using PageShare.Protocol.Messages;

namespace PageShare.Cli.Hosting;

/// <summary>The definition of <c>pageshare status</c>: what a host does now, once.</summary>
internal static class StatusCommand
{
    private const string Notes = """
        Exit codes:
          0  the host has answered
          1  no host is there, or it refuses: only operators may ask, which the host's own user is
          2  bad usage
        """;

    private static readonly Option<string?> Socket = HostSocket.Option();

    private static readonly Option<bool> Json = new("--json")
    {
        Description = "Print one JSON object with all counters.",
    };

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var command = new Command("status", "Shows what a running host shares, saves and costs.") { Socket, Json };
        ExampleHelp.AddTo(
            command,
            Notes,
            ("The host of this machine:", "pageshare status"),
            ("What it saves, for a script:", "pageshare status --json | jq .engine.totals.savedBytes"));
        command.SetAction(parsed => Program.Guard(() => Execute(parsed.GetValue(Socket), parsed.GetValue(Json))));
        return command;
    }

    private static int Execute(string? socket, bool json)
    {
        HostSocket.RequireLinux("status");
        using StatusClient client = HostSocket.Connect(socket);
        StatusAnswer status = HostSocket.Ask(client.GetStatus);
        if (json)
        {
            Console.Out.WriteLine(JsonSerializer.Serialize(status, StatusJson.Default.StatusAnswer));
        }
        else
        {
            new StatusTable(Console.Out, toTerminal: !Console.IsOutputRedirected).Write(new HostMoment(status, null));
        }

        return ExitCode.Success;
    }
}

/// <summary>Serialization without reflection.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(StatusAnswer))]
internal sealed partial class StatusJson : JsonSerializerContext;

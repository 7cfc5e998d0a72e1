using System.CommandLine;
using System.Diagnostics;
using PageShare.Cli.Run;
using PageShare.Host;
using PageShare.Protocol.Messages;

namespace PageShare.Cli.Hosting;

/// <summary>The definition of <c>pageshare top</c>: what a host does, live.</summary>
internal static class TopCommand
{
    private const string Notes = """
        At a terminal one table is drawn again and again; elsewhere each interval prints a table. Ctrl-C ends it.

        Exit codes:
          0  ended by Ctrl-C
          1  no host is there, it refuses, or it went away and did not come back
          2  bad usage
        """;

    // A host that was replaced is there again after a moment.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    private static readonly Option<string?> Socket = HostSocket.Option();

    private static readonly Option<TimeSpan?> Interval = DurationText.Option(
        "--interval", "How long from one picture to the next: 500ms, 2s (default 1s).");

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var command = new Command("top", "Shows live what a running host shares, guest by guest.") { Socket, Interval };
        ExampleHelp.AddTo(
            command,
            Notes,
            ("The host of this machine:", "pageshare top"),
            ("Every five seconds into a log:", "pageshare top --interval 5s >> pageshare.log"));
        command.SetAction(parsed => Program.Guard(() => Execute(
            parsed.GetValue(Socket), parsed.GetValue(Interval) ?? TimeSpan.FromSeconds(1))));
        return command;
    }

    private static int Execute(string? socket, TimeSpan interval)
    {
        HostSocket.RequireLinux("top");
        using var stop = new StopRequest();
        using var source = new Source(socket, interval, stop.Token);
        var table = new StatusTable(Console.Out, toTerminal: !Console.IsOutputRedirected);
        HostMoment first = source.First();
        if (table.CanRedraw)
        {
            table.Follow(first, source.Next);
            return ExitCode.Success;
        }

        for (HostMoment? moment = first; moment is not null; moment = source.Next())
        {
            table.Write(moment);
        }

        return ExitCode.Success;
    }

    /// <summary>Gives one moment after the other, from whichever host listens there.</summary>
    private sealed class Source(string? socket, TimeSpan interval, CancellationToken stop) : IDisposable
    {
        private StatusClient _client = HostSocket.Connect(socket);
        private StatusAnswer? _last;
        private long _lastAt;

        public HostMoment First() => Take() ?? throw CommandException.Failed("the host is gone.");

        public HostMoment? Next() => stop.WaitHandle.WaitOne(interval) ? null : Take();

        public void Dispose() => _client.Dispose();

        private HostMoment? Take()
        {
            StatusAnswer? now = Ask();
            if (now is null)
            {
                return null;
            }

            long at = Stopwatch.GetTimestamp();
            var moment = new HostMoment(now, _last, Stopwatch.GetElapsedTime(_lastAt, at));
            (_last, _lastAt) = (now, at);
            return moment;
        }

        private StatusAnswer? Ask()
        {
            for (var clock = Stopwatch.StartNew(); ;)
            {
                try
                {
                    return HostSocket.Ask(_client.GetStatus);
                }
                catch (CommandException) when (clock.Elapsed < Patience)
                {
                    if (stop.WaitHandle.WaitOne(Pause))
                    {
                        return null;
                    }

                    Reconnect();
                }
            }
        }

        private void Reconnect()
        {
            try
            {
                StatusClient next = HostSocket.Connect(socket);
                _client.Dispose();
                _client = next;
            }
            catch (CommandException)
            {
                // Not yet: the next question fails, and we come back.
            }
        }
    }
}

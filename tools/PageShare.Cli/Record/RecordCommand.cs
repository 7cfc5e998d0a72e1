using System.CommandLine;
using PageShare.Cli.Run;
using PageShare.Cli.Scan.Report;

namespace PageShare.Cli.Record;

/// <summary>The definition of <c>pageshare record</c>.</summary>
internal static class RecordCommand
{
    private const string Notes = """
        Targets:
          pid:1234   a running process, as pageshare scan reads it: from /proc, without stopping it
          host:SOCKET
                     the guests that a running host has when the recording begins; host:SOCKET#NAME is one of them.
                     Each page is recorded, shared or not, so that pageshare tune begins with nothing shared
          FILE       a memory image that a running machine writes to, such as the file of QEMU's
                     memory-backend-file. Images that do not change are given to pageshare tune directly, with --at.
          Nothing is ever written to a target.

        What is in the file:
          For each moment which pages changed, and which pages are equal to which. Neither contents nor their hashes:
          contents are numbered in the order in which they are first met. The hashes that find the number have a
          random seed of this recording, and are not written, so nobody can look up in the file what a process held.
          Sizes, times of change and equality of pages can be seen in it, and the targets' names as they were given.

        Exit codes:
          0    recorded, to --duration or until Ctrl-C; a second Ctrl-C ends at once and cuts the file off
          1    a target could not be read, or not to the end; what was read of it until then, and the others, are there
          2    bad usage
          130  Ctrl-C before the first moment was read: there is no file
        """;

    private static readonly Argument<string[]> Targets = new Argument<string[]>("TARGET")
    {
        Description = "pid:NUMBER, host:SOCKET, or a memory image that changes.",
        Arity = ArgumentArity.OneOrMore,
    }.RefusingOptions("record");

    private static readonly Option<string> Output = new("--out", "-o")
    {
        Description = "The recording; a file of that name must not be there yet.",
        HelpName = "FILE",
        Required = true,
    };

    private static readonly Option<TimeSpan?> Interval = DurationText.Option(
        "--interval", "Time from one moment to the next (default 10s).");

    private static readonly Option<TimeSpan?> Duration = DurationText.Option(
        "--duration", "How long to record (default: until Ctrl-C).");

    private static readonly Option<int?> Threads = CommandOptions.Threads(
        "Threads that read and hash (default: one for each processor).");

    private static readonly Option<bool> Json = CommandOptions.Json();

    private static readonly Option<string?> Html = CommandOptions.Html();

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var command = new Command("record", "Records which pages of running processes or guests change and which are equal.")
        {
            Targets, Output, Interval, Duration, Threads, Json, Html,
        };
        ExampleHelp.AddTo(
            command,
            Notes,
            ("A minute of four processes, a moment every five seconds:",
                "pageshare record --interval 5s --duration 60s --out redis.psrec pid:11 pid:12 pid:13 pid:14"),
            ("All processes of a name, until Ctrl-C:",
                "pageshare record --out web.psrec $(pgrep nginx | sed s/^/pid:/)"));
        command.SetAction(parsed => Program.Guard(() => Execute(Read(parsed))));
        return command;
    }

    /// <summary>The options as they were given, with defaults filled in.</summary>
    internal static RecordOptions Read(ParseResult parsed)
    {
        var options = new RecordOptions
        {
            Targets = parsed.GetValue(Targets) ?? [],
            Output = parsed.GetValue(Output)!,
            Duration = parsed.GetValue(Duration),
            Json = parsed.GetValue(Json),
            Html = parsed.GetValue(Html),
        };
        return options with
        {
            Interval = parsed.GetValue(Interval) ?? options.Interval,
            Threads = parsed.GetValue(Threads) ?? options.Threads,
        };
    }

    private static int Execute(RecordOptions options)
    {
        using var stop = new StopRequest();
        RecordReport report = new RecordSession(options, Console.Error).Run(stop.Token);
        if (options.Json)
        {
            Console.Out.WriteLine(report.ToJson());
        }
        else
        {
            RecordSummary.Write(Console.Out, report);
        }

        if (options.Html is string html)
        {
            RecordPage.Of(report).WriteTo(html);
        }

        foreach (ProblemReport problem in report.Problems)
        {
            Console.Error.WriteLine($"pageshare: {problem.Target}: {problem.Message}");
        }

        return report.Problems.Count > 0 ? ExitCode.Failed : ExitCode.Success;
    }
}

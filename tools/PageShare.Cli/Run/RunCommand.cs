using System.CommandLine;
using System.Globalization;
using System.Numerics;

namespace PageShare.Cli.Run;

/// <summary>The definition of <c>pageshare run</c>: its options, its help, and the way from them to a
/// session.</summary>
internal static class RunCommand
{
    private const string Notes = """
        How it goes:
          1. load    Every guest writes every page of its memory, zero pages too. With --input it loads all files, page by
                     page as a page cache does, in an order of its own, and has private data and zero pages besides.
          2. share   The scanner shares equal pages. Guests with --input, or with a --write-rate, read and write meanwhile.
          3. verify  Every guest checks every byte against its own record, then a summary is printed.
          With --until-converged guests work during the first three passes only: pages that are written or cleared again
          and again could be merged for ever, and two passes in a row that merge nothing would never come.
          Ctrl-C ends the share phase early; the rest follows as usual. Ctrl-C again ends at once.

        Exit codes:
          0  all verified
          1  not verified; or duplicates were found and nothing was saved; or the machine can't do it
          2  bad usage, or a file that can't be read
          3  --until-converged ended without convergence, by --timeout or by Ctrl-C
          130  Ctrl-C while loading, or a second Ctrl-C
        """;

    private static readonly Option<int?> Guests = NumberOption<int>(
        "--guests", "N", "Number of guests that load the input (default 4). With --image each image is one guest.");

    private static readonly Option<string[]> Inputs = new("--input")
    {
        Description = "File or folder that every guest loads; may be repeated. "
            + "Default: the shared framework folder of the running .NET.",
        HelpName = "PATH",
    };

    private static readonly Option<string[]> Images = new("--image")
    {
        Description = "Raw memory image of a machine, byte i = address i: one guest each; may be repeated.",
        HelpName = "FILE",
    };

    private static readonly Option<TimeSpan?> Duration = DurationText.Option(
        "--duration", "How long to share: 500ms, 20s, 2m, 1h (default 12s). Not used with --until-converged.");

    private static readonly Option<bool> UntilConverged = new("--until-converged")
    {
        Description = "Scan whether the machine is idle or not, and end once two passes in a row merge nothing more.",
    };

    private static readonly Option<TimeSpan?> Timeout = DurationText.Option(
        "--timeout", "Give up --until-converged after this long, with exit code 3 (default 120s).");

    private static readonly Option<long?> WriteRate = NumberOption<long>(
        "--write-rate",
        "PAGES_PER_SECOND",
        "Pages that all guests together write per second (default 500 with --input, 0 with --image).");

    private static readonly Option<string?> Fault = FaultModeOption();

    private static readonly Option<int?> BreakPages = NumberOption<int>(
        "--break-pages",
        "N",
        "Most pages that one store breaks when a guest writes page after page (default 32; 1: each by itself). With "
            + "--fault-mode signal only.");

    private static readonly Option<int?> ScannerThreads = NumberOption<int>(
        "--scanner-threads",
        "N",
        "Threads that scan (default 1): more of them read and hash pages side by side; one alone merges.");

    private static readonly Option<bool> DomainPerGuest = new("--domain-per-guest")
    {
        Description = "Share only inside each guest, never between guests.",
    };

    private static readonly Option<long?> Seed = NumberOption<long>(
        "--seed", "NUMBER", "Repeat the random choices of an earlier run (default: a new seed, shown at the end).");

    private static readonly Option<string?> Isolation = IsolationOption();

    private static readonly Option<TimeSpan?> KillHostAfter = DurationText.Option(
        "--kill-host-after",
        "Kill the host with SIGKILL this long after sharing began, and have a new one take over; needs --isolation process.");

    private static readonly Option<bool> Json = new("--json")
    {
        Description = "Print one JSON object to standard output, and all else to standard error.",
    };

    private static readonly Option<string?> Html = CommandOptions.Html();

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var command = new Command("run", "Runs guests on real input, shares their equal pages, and verifies every byte.")
        {
            Guests, Inputs, Images, Duration, UntilConverged, Timeout, WriteRate, Fault, BreakPages, ScannerThreads,
            DomainPerGuest, Isolation, KillHostAfter, Seed, Json,
        };
        command.Options.Add(Html);
        ExampleHelp.AddTo(
            command,
            Notes,
            ("Four guests with the files of the running .NET, 15 seconds, 500 writes per second:", "pageshare run"),
            ("Eight guests with files of your own, many writes, breaks done by the kernel:",
                "pageshare run --guests 8 --input /usr/lib --input /opt/app --write-rate 20000 --fault-mode kernel"),
            ("All that can be saved on two memory images, as JSON:",
                "pageshare run --image vmA.ram --image vmB.ram --until-converged --json"),
            ("The host killed in the middle of many writes, and another taking over:",
                "pageshare run --write-rate 20000 --kill-host-after 5s"),
            ("The same run again:", "pageshare run --until-converged --seed 1234"));
        command.SetAction(parsed => Program.Guard(() => Execute(Read(parsed), parsed.GetValue(Html))));
        return command;
    }

    /// <summary>The options as they were given.</summary>
    internal static RunRequest Read(ParseResult parsed) => new()
    {
        Guests = parsed.GetValue(Guests),
        Inputs = parsed.GetValue(Inputs) ?? [],
        Images = parsed.GetValue(Images) ?? [],
        Duration = parsed.GetValue(Duration),
        UntilConverged = parsed.GetValue(UntilConverged),
        Timeout = parsed.GetValue(Timeout),
        WriteRate = parsed.GetValue(WriteRate),
        FaultMode = parsed.GetValue(Fault) switch
        {
            "signal" => FaultMode.Signal,
            "kernel" => FaultMode.Kernel,
            _ => null,
        },
        BreakPages = parsed.GetValue(BreakPages),
        ScannerThreads = parsed.GetValue(ScannerThreads),
        DomainPerGuest = parsed.GetValue(DomainPerGuest),
        Seed = parsed.GetValue(Seed),
        Json = parsed.GetValue(Json),
        Isolation = parsed.GetValue(Isolation) switch
        {
            "process" => IsolationKind.Process,
            "none" => IsolationKind.None,
            _ => null,
        },
        KillHostAfter = parsed.GetValue(KillHostAfter),
    };

    private static int Execute(RunRequest request, string? html)
    {
        RunOptions options = RunOptions.From(request);
        using var stop = new StopRequest();
        using RunView view = RunView.Create(options);
        RunResult result = new RunSession(options, view).Execute(stop.Token);
        if (options.Json)
        {
            Console.Out.WriteLine(RunReport.ToJson(result));
        }

        if (html is not null)
        {
            RunPage.Of(result, view.History).WriteTo(html);
        }

        // Beside JSON the summary is for the person who watches; without, it is the result.
        Summary.Write(options.Json ? Console.Error : Console.Out, result);
        return result.ExitCode;
    }

    /// <summary>The parser's own message for a bad number speaks of .NET types.</summary>
    private static Option<T?> NumberOption<T>(string name, string helpName, string description)
        where T : struct, IBinaryInteger<T> => new(name)
        {
            Description = description,
            HelpName = helpName,
            CustomParser = argument =>
            {
                string text = argument.Tokens.Count > 0 ? argument.Tokens[0].Value : "";
                if (T.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out T number))
                {
                    return number;
                }

                argument.AddError($"{name}: '{text}' is no whole number that fits.");
                return null;
            },
        };

    private static Option<string?> IsolationOption()
    {
        var option = new Option<string?>("--isolation")
        {
            Description = "How guests are kept apart: each in a process of its own, under a user id of its own if this runs as "
                + "root, with a host that shares their memory (default on Linux); or all in this process.",
        };
        option.AcceptOnlyFromAmong("process", "none");
        return option;
    }

    private static Option<string?> FaultModeOption()
    {
        var option = new Option<string?>("--fault-mode")
        {
            Description = "How stores to shared pages are caught: by our signal handler (default), or by the kernel's own "
                + "copy-on-write.",
        };
        option.AcceptOnlyFromAmong("signal", "kernel");
        return option;
    }
}

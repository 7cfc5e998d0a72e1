using System.CommandLine;
using PageShare.Cli.Scan.Count;
using PageShare.Cli.Scan.Report;

namespace PageShare.Cli.Scan;

/// <summary>The definition of <c>pageshare scan</c>: its options, its help, and what its exit codes mean.</summary>
internal static class ScanCommand
{
    private const string Notes = """
        Targets:
          FILE       a raw memory image of whole pages, or an ELF core dump of a process or a machine
          pid:1234   a running process: its anonymous and its shared memory, as far as it is present. It is read
                     from /proc and goes on meanwhile. Pages that processes share already count once.
          host:SOCKET
                     the guests of a running host (pageshare host), each a target of its own; host:SOCKET#NAME is one
                     of them, host: alone is the default socket. They go on meanwhile, and nobody gets memory by it.
                     A frame that pages share counts once, a zero page that was freed not at all. Only the host's own
                     user may, and root where the host serves it as an operator. Name a host or its guests' processes,
                     not both.
          FOLDER     all files in it, each from a page of its own, the rest of its last page zero. Links are not
                     followed.
          Nothing is ever written to a target.

        What is counted:
          Pages are equal if their 128-bit XXH3 hashes are: among n contents two are mixed up with probability
          n²/2^129. saved = pages - distinct, zero pages among them. A target's figures are those of a scan of it
          alone, but for "from others": what an earlier target has too. Mappings: what sharing takes of
          vm.max_map_count, with frames in the order in which contents are first seen; if it may take fewer, the
          longest runs are shared first.
          --sample keeps a share of all contents, chosen by hash, so that duplicates stay together. It needs less
          memory, not less reading; zero pages are exact, and mappings are not estimated.

        Exit codes:
          0    all targets counted
          1    a target could not be read, or not to its end; the others are reported
          2    bad usage
          130  Ctrl-C: what was counted until then is reported as incomplete; a second Ctrl-C ends at once
        """;

    private static readonly Argument<string[]> Targets = new Argument<string[]>("TARGET")
    {
        Description = "Memory image, core dump, pid:NUMBER, host:SOCKET or folder.",
        Arity = ArgumentArity.OneOrMore,
    }.RefusingOptions("scan");

    private static readonly Option<SampleRate?> Sample = new("--sample")
    {
        Description = "Estimate from this share of contents, with a 95 % confidence interval (default: count all).",
        HelpName = "SHARE",
        CustomParser = argument =>
        {
            string text = argument.Tokens.Count > 0 ? argument.Tokens[0].Value : "";
            if (SampleRate.TryParse(text, out SampleRate rate))
            {
                return rate;
            }

            argument.AddError($"--sample: '{text}' is no share above 0 and up to 100%. Write 1% or 0.01.");
            return null;
        },
    };

    private static readonly Option<int?> Threads = CommandOptions.Threads(
        "Threads that read and hash (default: one for each processor).");

    private static readonly Option<bool> Json = CommandOptions.Json();

    private static readonly Option<string?> Html = CommandOptions.Html();

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var command = new Command("scan", "Counts the equal pages of memory images, core dumps, processes, hosts and folders.")
        {
            Targets, Sample, Threads, Json, Html,
        };
        ExampleHelp.AddTo(
            command,
            Notes,
            ("What would sharing save on two memory images?", "pageshare scan vmA.ram vmB.ram"),
            ("On running processes:", "pageshare scan pid:1234 pid:1235"),
            ("What is left to share among a host's guests:", "pageshare scan host:/run/pageshare/host.sock"),
            ("An estimate with little memory, for a script:",
                "pageshare scan --sample 1% --json /var/lib/images | jq .total.savingRatio"));
        command.SetAction(parsed => Program.Guard(() => Execute(Read(parsed))));
        return command;
    }

    /// <summary>The options as they were given, with defaults filled in.</summary>
    internal static ScanOptions Read(ParseResult parsed)
    {
        var options = new ScanOptions
        {
            Targets = parsed.GetValue(Targets) ?? [],
            Json = parsed.GetValue(Json),
            Html = parsed.GetValue(Html),
        };
        return options with
        {
            Sample = parsed.GetValue(Sample) ?? options.Sample,
            Threads = parsed.GetValue(Threads) ?? options.Threads,
        };
    }

    /// <summary>What the process returns.</summary>
    internal static int ExitCodeOf(ScanReport report)
    {
        if (report.Interrupted)
        {
            return ExitCode.Aborted;
        }

        return report.Problems.Count > 0 ? ExitCode.Failed : ExitCode.Success;
    }

    private static int Execute(ScanOptions options)
    {
        using var stop = new StopRequest();
        ScanReport report = ScanSession.Run(options, stop.Token, showProgress: true);
        if (options.Json)
        {
            Console.Out.WriteLine(report.ToJson());
        }
        else
        {
            ScanSummary.Write(Console.Out, report, toTerminal: !Console.IsOutputRedirected);
        }

        if (options.Html is string html)
        {
            ScanPage.Of(report).WriteTo(html);
        }

        foreach (ProblemReport problem in report.Problems)
        {
            Console.Error.WriteLine($"pageshare: {problem.Target}: {problem.Message}");
        }

        if (report.Interrupted)
        {
            Console.Error.WriteLine("pageshare: stopped: the figures are those of what was read until then.");
        }

        return ExitCodeOf(report);
    }
}

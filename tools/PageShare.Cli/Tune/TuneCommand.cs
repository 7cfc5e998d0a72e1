using System.CommandLine;
using System.CommandLine.Parsing;
using PageShare.Cli.Run;
using PageShare.Cli.Traces;

namespace PageShare.Cli.Tune;

/// <summary>
/// The definition of <c>pageshare tune</c>: its options, its help, and the way from them to a session.
/// </summary>
internal static class TuneCommand
{
    private const string Notes = """
        What it does:
          Measures what the scanner's tasks and breaks cost on this machine: an engine scans some small guests, and the
          simulation does the same; the one tells what each pass took, the other what it consisted of. Then lets the
          engine's own scanner policy run in simulated time on what the trace's guests did, with some hundred settings,
          and looks at what each saves and costs. Changes between two moments are spread over the time between them. After the last moment nothing
          changes for as long as one interval.

        What it says:
          net saving   memory saved less that of the tables of engine and kernel, averaged over the time of the trace
          CPU          of the scanner, and of the guests for breaks and for stores that are tracked; percent of one core
          Recommended is the highest net saving at no more CPU than the defaults take, or than --cpu-limit; memory and
          time are not weighed against each other. Where nothing gains more than a fraction of a percent, it is the
          defaults.

        Exit codes:
          0    done
          1    a recording or an image can't be read, is damaged, or holds no pages
          2    bad usage
          130  Ctrl-C
        """;

    private static readonly Argument<string?> Recording = new("RECORDING")
    {
        Description = "A file of pageshare record.",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private static readonly Option<string[]> At = MomentOption(
        "--at", "In place of a recording: a time, and an image of each guest at that time. Once for each moment.");

    private static readonly Option<string?> Judge = new("--judge")
    {
        Description = "Another recording: what the recommended settings and the defaults give on that.",
        HelpName = "RECORDING",
    };

    private static readonly Option<string[]> JudgeAt = MomentOption("--judge-at", "The same with images, as --at.");

    private static readonly Option<double?> CpuLimit = CommandOptions.Number(
        "--cpu-limit", "PERCENT", "Most CPU in percent of one core (default: what the defaults take).");

    private static readonly Option<string?> Configuration = new("--out", "-o")
    {
        Description = "Write the recommended settings to this file, as the host reads them.",
        HelpName = "FILE",
    };

    private static readonly Option<int?> Threads = CommandOptions.Threads(
        "Threads that read images (default: one for each processor).");

    private static readonly Option<bool> Json = CommandOptions.Json();

    private static readonly Option<string?> Html = CommandOptions.Html();

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var command = new Command("tune", "Finds the scanner's best settings for recorded guests, by simulation.")
        {
            Recording, At, Judge, JudgeAt, CpuLimit, Configuration, Threads, Json, Html,
        };
        ExampleHelp.AddTo(
            command,
            Notes,
            ("For what was recorded:", "pageshare tune redis.psrec --html tune.html"),
            ("For two guests by images of two moments:",
                "pageshare tune --at 0s a0.ram b0.ram --at 60s a1.ram b1.ram"),
            ("At most 2 % of a core, checked on another recording, the settings to a file:",
                "pageshare tune monday.psrec --judge tuesday.psrec --cpu-limit 2 --out host.json"));
        command.Validators.Add(Check);
        command.SetAction(parsed => Program.Guard(() => Execute(Read(parsed))));
        return command;
    }

    /// <summary>The options as they were given, with defaults filled in.</summary>
    internal static TuneOptions Read(ParseResult parsed)
    {
        var options = new TuneOptions
        {
            Source = SourceOf(parsed.GetValue(Recording), parsed, At),
            Judge = parsed.GetValue(Judge) is string || HasMoments(parsed, JudgeAt)
                ? SourceOf(parsed.GetValue(Judge), parsed, JudgeAt)
                : null,
            CpuLimitPercent = parsed.GetValue(CpuLimit),
            ConfigurationFile = parsed.GetValue(Configuration),
            Json = parsed.GetValue(Json),
            Html = parsed.GetValue(Html),
        };
        return options with { Threads = parsed.GetValue(Threads) ?? options.Threads };
    }

    private static Option<string[]> MomentOption(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "TIME IMAGE...",
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = true,
    };

    private static bool HasMoments(ParseResult parsed, Option<string[]> option) =>
        parsed.GetValue(option) is { Length: > 0 };

    private static void Check(CommandResult command)
    {
        bool hasRecording = command.GetValue(Recording) is not null;
        bool hasImages = command.GetResult(At) is not null;
        if (hasRecording == hasImages)
        {
            command.AddError(hasRecording
                ? "Name a recording or images with --at, not both."
                : "Name a recording, or images with --at: pageshare tune --at 0s a0.ram --at 60s a1.ram");
        }

        if (command.GetValue(Judge) is not null && command.GetResult(JudgeAt) is not null)
        {
            command.AddError("Judge on a recording or on images with --judge-at, not on both.");
        }
    }

    private static TraceSource SourceOf(string? recording, ParseResult parsed, Option<string[]> option)
    {
        if (recording is not null)
        {
            return new TraceSource(recording, []);
        }

        var moments = new List<ImageMoment>();
        foreach (IReadOnlyList<string> words in WordsOf(parsed, option.Name))
        {
            // A time of zero is no duration, and the one that most sequences begin with.
            TimeSpan at = TimeSpan.Zero;
            if (words[0] is not ("0" or "0s" or "0ms" or "0m" or "0h") && !DurationText.TryParse(words[0], out at))
            {
                throw CommandException.BadUsage(
                    $"{option.Name}: '{words[0]}' is no time. Write {option.Name} 60s a.ram b.ram.");
            }

            moments.Add(new ImageMoment(at, [.. words.Skip(1)]));
        }

        CheckMoments(moments, option.Name);
        return new TraceSource(null, moments);
    }

    private static void CheckMoments(List<ImageMoment> moments, string option)
    {
        for (int i = 0; i < moments.Count; i++)
        {
            string when = $"{option} {moments[i].At.TotalSeconds:0.###}s";
            if (moments[i].Images.Count == 0 || moments[i].Images.Count != moments[0].Images.Count)
            {
                throw CommandException.BadUsage(
                    $"{when} names {moments[i].Images.Count} images: each time needs one of each guest, the guests in "
                    + $"the same order, and the first names {moments[0].Images.Count}.");
            }

            if (i > 0 && moments[i].At <= moments[i - 1].At)
            {
                throw CommandException.BadUsage($"{when} is not later than the time before it. Name moments by time.");
            }

            if (moments[i].Images.FirstOrDefault(name =>
                name.StartsWith("pid:", StringComparison.Ordinal) || Directory.Exists(name)) is string wrong)
            {
                throw CommandException.BadUsage(
                    $"{option}: {wrong} is no image. Processes are recorded first, with pageshare record.");
            }
        }
    }

    /// <summary>What stands behind each use of an option, up to the next option.</summary>
    private static List<IReadOnlyList<string>> WordsOf(ParseResult parsed, string option)
    {
        var uses = new List<IReadOnlyList<string>>();
        List<string>? words = null;
        foreach (Token token in parsed.Tokens)
        {
            if (token.Type == TokenType.Option)
            {
                words = token.Value == option ? [] : null;
                if (words is not null)
                {
                    uses.Add(words);
                }
            }
            else
            {
                words?.Add(token.Value);
            }
        }

        return uses;
    }

    private static int Execute(TuneOptions options)
    {
        using var stop = new StopRequest();
        TuneResult result = new TuneSession(options).Run(stop.Token);
        TuneReport report = result.Report;
        if (options.ConfigurationFile is string file)
        {
            OutputFile.Write(file, SettingsText.Format(report.Configuration) + "\n");
        }

        if (options.Html is string html)
        {
            TunePage.Of(result).WriteTo(html);
        }

        if (options.Json)
        {
            Console.Out.WriteLine(report.ToJson());
        }
        else
        {
            TuneSummary.Write(Console.Out, report, toTerminal: !Console.IsOutputRedirected);
        }

        return ExitCode.Success;
    }
}

using System.CommandLine;
using System.Globalization;
using PageShare.Cli;
using PageShare.Cli.Run;

namespace PageShare.Workloads;

/// <summary>Options that several commands have.</summary>
internal static class WorkloadOptions
{
    /// <summary>Small sizes and short times.</summary>
    public static readonly Option<bool> Quick = new("--quick")
    {
        Description = "Small sizes and short times: to see that it works, or for CI. Not for figures to quote.",
    };

    /// <summary>Where the JSON goes.</summary>
    public static readonly Option<string?> Json = new("--json")
    {
        Description = "Also write all figures as one JSON object to this file; - is standard output, and all else then "
            + "goes to standard error.",
        HelpName = "FILE",
    };

    /// <summary>Where the page goes.</summary>
    public static readonly Option<string?> Html = new("--html")
    {
        Description = "Also write a page with plots to this file; it needs nothing else.",
        HelpName = "FILE",
    };

    /// <summary>The folder of images.</summary>
    public static readonly Option<string?> Images = new("--images")
    {
        Description = "Folder of pairs NAME.idle0.ram and NAME.act0.ram (default: made-up memory).",
        HelpName = "FOLDER",
    };

    /// <summary>How stores to shared pages are caught.</summary>
    public static readonly Option<string?> Fault = FaultModeOption();

    /// <summary>Of contents and orders.</summary>
    public static readonly Option<int?> Seed = NumberOption(
        "--seed", "Of made-up contents and of random orders (default 1).", 0, int.MaxValue);

    /// <summary>Size of made-up memory.</summary>
    public static readonly Option<int?> Size = NumberOption(
        "--size", "MiB of made-up memory, all guests together (default 1024; 128 with --quick).", 8, 1 << 20);

    /// <summary>A whole number in a range.</summary>
    public static Option<int?> NumberOption(string name, string description, int least, int most) => new(name)
    {
        Description = description,
        HelpName = "N",
        CustomParser = argument =>
        {
            var text = argument.Tokens.Count > 0 ? argument.Tokens[0].Value : "";
            if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
                && number >= least && number <= most)
            {
                return number;
            }

            argument.AddError($"{name}: '{text}' is no number from {least} to {most}.");
            return null;
        },
    };

    /// <summary>A duration above zero.</summary>
    public static Option<TimeSpan?> DurationOption(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "TIME",
        CustomParser = argument =>
        {
            var text = argument.Tokens.Count > 0 ? argument.Tokens[0].Value : "";
            if (DurationText.TryParse(text, out var duration))
            {
                return duration;
            }

            argument.AddError($"{name}: '{text}' is no duration above zero. Write 500ms, 20s, 2m or 1h.");
            return null;
        },
    };

    /// <summary>The mode that was asked for; the engine's default if none was.</summary>
    public static FaultMode FaultModeOf(ParseResult parsed) => parsed.GetValue(Fault) switch
    {
        "kernel" => FaultMode.Kernel,
        _ => FaultMode.Signal,
    };

    /// <summary>The memory that was asked for.</summary>
    public static Traces.TraceChoice TraceOf(ParseResult parsed)
    {
        var isQuick = parsed.GetValue(Quick);
        var size = parsed.GetValue(Size) ?? (isQuick ? 128 : 1024);
        return new Traces.TraceChoice(parsed.GetValue(Images), (long)size << 20, SeedOf(parsed));
    }

    /// <summary>The seed that was asked for.</summary>
    public static ulong SeedOf(ParseResult parsed) => (ulong)(parsed.GetValue(Seed) ?? 1);

    private static Option<string?> FaultModeOption()
    {
        var option = new Option<string?>("--fault-mode")
        {
            Description = "How stores to shared pages are caught: signal (default) or kernel.",
        };
        option.AcceptOnlyFromAmong("signal", "kernel");
        return option;
    }
}

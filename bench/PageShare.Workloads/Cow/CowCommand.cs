using System.CommandLine;
using PageShare.Cli;

namespace PageShare.Workloads.Cow;

/// <summary>The definition of <c>cow</c>.</summary>
internal static class CowCommand
{
    // Whole runs of the guests' contents.
    private const int UsualPages = 16 << 10;
    private const int QuickPages = 4 << 10;

    private static readonly Option<int?> Writers = WorkloadOptions.NumberOption(
        "--writers", "From one writer to so many (default 4).", 1, 64);

    private static readonly Option<int?> BreakPages = WorkloadOptions.NumberOption(
        "--break-pages", "Most pages that one store breaks in Signal mode (default: the engine's).", 1, 512);

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var command = new Command("cow", "Breaks shared pages, and times it: both fault modes, KSM, first touches.")
        {
            Writers, BreakPages, WorkloadOptions.Seed, WorkloadOptions.Quick, WorkloadOptions.Json, WorkloadOptions.Html,
        };
        ExampleHelp.AddTo(
            command,
            """
            One store to each shared page, from one thread and from several. KSM's break is beside ours where KSM may be
            had: as root, and while nobody uses it; its settings are put back.
            """,
            ("A few seconds:", "cow --quick"),
            ("One writer, as JSON on standard output:", "cow --writers 1 --json -"));
        command.SetAction(parsed => Session.Run(parsed, (progress, stop) => [Measure(parsed, progress, stop)]));
        return command;
    }

    /// <summary>Runs it as the command line says. Options that a command lacks have their defaults.</summary>
    public static CowResult Measure(ParseResult parsed, Action<string> progress, CancellationToken stop)
    {
        var isQuick = parsed.GetValue(WorkloadOptions.Quick);
        var options = new CowOptions(
            isQuick ? QuickPages : UsualPages,
            Repetitions: isQuick ? 1 : 5,
            parsed.GetValue(Writers) ?? 4,
            parsed.GetValue(BreakPages),
            WorkloadOptions.SeedOf(parsed));
        return new CowWorkload(options, progress).Run(stop);
    }
}

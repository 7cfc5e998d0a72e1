using System.CommandLine;
using PageShare.Cli;

namespace PageShare.Workloads.Pacing;

/// <summary>The definition of <c>pacing</c>.</summary>
internal static class PacingCommand
{
    private static readonly Option<int?> Budget = WorkloadOptions.NumberOption(
        "--cpu-budget", "Percent of one core that the scanner may take in the first part (default 5).", 1, 100);

    private static readonly Option<int?> Seconds = WorkloadOptions.NumberOption(
        "--seconds", "How long the scanner is watched in the first part (default 20; 5 with --quick).", 1, 3600);

    private static readonly Option<int?> Rounds = WorkloadOptions.NumberOption(
        "--rounds", "How often guests work with and without sharing, in turns (default 15; 3 with --quick).", 1, 1000);

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var command = new Command("pacing", "Measures what the scanner takes, and what busy guests lose by it.")
        {
            WorkloadOptions.Images, WorkloadOptions.Size, Budget, Seconds, Rounds, WorkloadOptions.Fault,
            WorkloadOptions.Seed, WorkloadOptions.Quick, WorkloadOptions.Json, WorkloadOptions.Html,
        };
        ExampleHelp.AddTo(
            command,
            """
            First the scanner gets a budget and more work than fits into it: guests are new, their pages are written all
            the time, and passes are to be as quick as can be. What it takes is the kernel's account of its threads,
            second by second. Then every core is busy with guests that read and write, in turns guests that share,
            scanned by the engine's defaults, and guests that do not: by how much less they do is what they lose.
            """,
            ("Seconds, on made-up memory:", "pacing --quick"),
            ("Real guests:", "pacing --images ./images --html pacing.html"));
        command.SetAction(parsed => Session.Run(parsed, (progress, stop) => [Measure(parsed, progress, stop)]));
        return command;
    }

    /// <summary>Runs it as the command line says. Options that a command lacks have their defaults.</summary>
    public static PacingResult Measure(ParseResult parsed, Action<string> progress, CancellationToken stop)
    {
        var isQuick = parsed.GetValue(WorkloadOptions.Quick);
        var options = new PacingOptions(
            WorkloadOptions.TraceOf(parsed),
            parsed.GetValue(Budget) ?? 5,
            parsed.GetValue(Seconds) ?? (isQuick ? 5 : 20),
            parsed.GetValue(Rounds) ?? (isQuick ? 3 : 15),
            TimeSpan.FromSeconds(isQuick ? 0.5 : 1),
            WorkloadOptions.FaultModeOf(parsed),
            WorkloadOptions.SeedOf(parsed));
        return new PacingWorkload(options, progress).Run(stop);
    }
}

using System.CommandLine;
using PageShare.Cli;

namespace PageShare.Workloads.Phases;

/// <summary>The definition of <c>phases</c>.</summary>
internal static class PhasesCommand
{
    private static readonly Option<int?> WriteRate = WorkloadOptions.NumberOption(
        "--write-rate", "Pages that all guests together write per second (default 5000).", 1, 10_000_000);

    private static readonly Option<TimeSpan?> Move = WorkloadOptions.DurationOption(
        "--move", "Longest time of getting busy, and of going back (default 2m; 6s with --quick).");

    private static readonly Option<TimeSpan?> Rest = WorkloadOptions.DurationOption(
        "--rest", "How long guests rest after each (default 10s; 4s with --quick).");

    private static readonly Option<TimeSpan?> PassTime = WorkloadOptions.DurationOption(
        "--pass-time", "The scanner's target for a pass (default: the engine's).");

    private static readonly Option<int?> CpuBudget = WorkloadOptions.NumberOption(
        "--cpu-budget", "Most of one core for the scanner, in percent (default: the engine's).", 1, 100);

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var command = new Command("phases", "Replays guests that get busy, rest, and go back, and watches the saving.")
        {
            WorkloadOptions.Images, WorkloadOptions.Size, WriteRate, Move, Rest, PassTime, CpuBudget,
            WorkloadOptions.Fault, WorkloadOptions.Seed,
            WorkloadOptions.Quick, WorkloadOptions.Json, WorkloadOptions.Html,
        };
        ExampleHelp.AddTo(
            command,
            """
            Guests are loaded as they were idle and scanned until nothing more merges. Then they write the pages that
            differ from when they were busy, rest, write them back, and rest. Saved memory is the kernel's own account;
            the optimum is kept exactly beside it, page by page; "without rescans" is what is left of the first
            convergence. In the end every byte is compared.
            """,
            ("Half a minute on made-up memory:", "phases --quick"),
            ("Real guests, with a page to look at:", "phases --images ./images --html phases.html"),
            ("How far shorter passes get:", "phases --images ./images --pass-time 500ms --json phases.json"));
        command.SetAction(parsed => Session.Run(parsed, (progress, stop) => [Measure(parsed, progress, stop)]));
        return command;
    }

    /// <summary>Runs it as the command line says. Options that a command lacks have their defaults.</summary>
    public static PhasesResult Measure(ParseResult parsed, Action<string> progress, CancellationToken stop) =>
        new PhasesWorkload(Read(parsed), progress).Run(stop);

    /// <summary>The options as they were given.</summary>
    internal static PhasesOptions Read(ParseResult parsed)
    {
        var usual = new PhasesOptions { Trace = WorkloadOptions.TraceOf(parsed) };
        var isQuick = parsed.GetValue(WorkloadOptions.Quick);
        return usual with
        {
            WriteRate = parsed.GetValue(WriteRate) ?? usual.WriteRate,
            LongestMove = parsed.GetValue(Move) ?? (isQuick ? TimeSpan.FromSeconds(6) : usual.LongestMove),
            Rest = parsed.GetValue(Rest) ?? (isQuick ? TimeSpan.FromSeconds(4) : usual.Rest),
            PassTime = parsed.GetValue(PassTime),
            CpuBudgetPercent = parsed.GetValue(CpuBudget),
            FaultMode = WorkloadOptions.FaultModeOf(parsed),
            Seed = WorkloadOptions.SeedOf(parsed),
        };
    }
}

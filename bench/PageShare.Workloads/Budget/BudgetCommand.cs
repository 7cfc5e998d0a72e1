using System.CommandLine;
using PageShare.Cli;

namespace PageShare.Workloads.Budget;

/// <summary>The definition of <c>budget</c>.</summary>
internal static class BudgetCommand
{
    private static readonly int[] UsualMappings = [1000, 2000, 4000, 10_000, 30_000];
    private static readonly int[] QuickMappings = [1000, 4000];

    private static readonly Option<int?> Mappings = WorkloadOptions.NumberOption(
        "--mappings", "Only this many mappings, not one number after the other.", 0, 1 << 20);

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var command = new Command("budget", "Measures what is saved with few mappings.")
        {
            WorkloadOptions.Images, WorkloadOptions.Size, Mappings, WorkloadOptions.Fault, WorkloadOptions.Seed,
            WorkloadOptions.Quick, WorkloadOptions.Json, WorkloadOptions.Html,
        };
        ExampleHelp.AddTo(
            command,
            """
            Guests are loaded as they were busy, and scanned until nothing more merges; others as they were idle, and
            scanned, and then they become busy while they are scanned ("active since"). That with 1,000, 2,000, 4,000,
            10,000 and 30,000 mappings for all of them together (1,000 and 4,000 with --quick), in both modes unless
            --fault-mode names one. Saved memory is the kernel's own account, in percent of what exact sharing saves. In
            the end every byte is compared.
            """,
            ("Seconds, on made-up memory:", "budget --quick"),
            ("Real guests:", "budget --images ./images --html budget.html"),
            ("One budget alone:", "budget --images ./images --mappings 4000 --fault-mode signal"));
        command.SetAction(parsed => Session.Run(parsed, (progress, stop) => [Measure(parsed, progress, stop)]));
        return command;
    }

    /// <summary>Runs it as the command line says. Options that a command lacks have their defaults.</summary>
    public static BudgetResult Measure(ParseResult parsed, Action<string> progress, CancellationToken stop)
    {
        var usual = parsed.GetValue(WorkloadOptions.Quick) ? QuickMappings : UsualMappings;
        var options = new BudgetOptions(
            WorkloadOptions.TraceOf(parsed),
            parsed.GetValue(Mappings) is { } only ? [only] : usual,
            parsed.GetValue(WorkloadOptions.Fault) is null
                ? Enum.GetValues<FaultMode>()
                : [WorkloadOptions.FaultModeOf(parsed)],
            WorkloadOptions.SeedOf(parsed));
        return new BudgetWorkload(options, progress).Run(stop);
    }
}

using System.CommandLine;
using PageShare.Cli;

namespace PageShare.Workloads.Scale;

/// <summary>The definition of <c>scale</c>.</summary>
internal static class ScaleCommand
{
    private static readonly int[] UsualMebibytes = [1 << 10, 2 << 10, 4 << 10, 8 << 10, 16 << 10];
    private static readonly int[] QuickMebibytes = [128, 256, 512];

    private static readonly Option<int?> Most = WorkloadOptions.NumberOption(
        "--most", "Leave out sizes above so many MiB.", 128, 1 << 20);

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var command = new Command("scale", "Measures passes, convergence and bookkeeping on 1, 2, 4, 8 and 16 GiB.")
        {
            Most, WorkloadOptions.Fault, WorkloadOptions.Seed,
            WorkloadOptions.Quick, WorkloadOptions.Json, WorkloadOptions.Html,
        };
        ExampleHelp.AddTo(
            command,
            """
            Sizes that do not fit into the memory that is available are left out, and said to be. With --quick the sizes
            are 128, 256 and 512 MiB.
            """,
            ("Seconds:", "scale --quick"),
            ("Up to 4 GiB, as JSON:", "scale --most 4096 --json scale.json"));
        command.SetAction(parsed => Session.Run(parsed, (progress, stop) => [Measure(parsed, progress, stop)]));
        return command;
    }

    /// <summary>Runs it as the command line says. Options that a command lacks have their defaults.</summary>
    public static ScaleResult Measure(ParseResult parsed, Action<string> progress, CancellationToken stop)
    {
        var sizes = parsed.GetValue(WorkloadOptions.Quick) ? QuickMebibytes : UsualMebibytes;
        var most = parsed.GetValue(Most) ?? int.MaxValue;
        var options = new ScaleOptions(
            [.. sizes.Where(size => size <= most)],
            WorkloadOptions.FaultModeOf(parsed),
            WorkloadOptions.SeedOf(parsed));
        return new ScaleWorkload(options, progress).Run(stop);
    }
}

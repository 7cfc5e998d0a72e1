using System.CommandLine;
using PageShare.Cli;

namespace PageShare.Workloads.Ksm;

/// <summary>The definition of <c>ksm</c>.</summary>
internal static class KsmCommand
{
    private static readonly Option<TimeSpan?> Limit = WorkloadOptions.DurationOption(
        "--limit", "Longest time for each contender and memory (default 3m; 15s with --quick).");

    private static readonly Option<bool> Pair = new("--pair")
    {
        Description = "Made-up memory is two guests with equal contents, which is one run. KSM is flat out only.",
    };

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var command = new Command("ksm", "Compares with the kernel's own engine on the same memory, in one run.")
        {
            WorkloadOptions.Images, WorkloadOptions.Size, Pair, Limit, WorkloadOptions.Seed,
            WorkloadOptions.Quick, WorkloadOptions.Json, WorkloadOptions.Html,
        };
        ExampleHelp.AddTo(
            command,
            """
            Needs root, and a KSM that nobody else uses; else it says so and does nothing. KSM runs at its defaults,
            with its advisor, and flat out. Its settings are put back afterwards, whatever happens: a shell waits beside this
            process to do it, should this process be killed.
            """,
            ("A minute and a half on made-up memory:", "ksm --quick"),
            ("Real guests:", "ksm --images ./images --html ksm.html"),
            ("4 GiB, each page of it twice:", "ksm --pair --size 4096"));
        command.SetAction(parsed => Session.Run(parsed, (progress, stop) => [Measure(parsed, progress, stop)]));
        return command;
    }

    /// <summary>Runs it as the command line says. Options that a command lacks have their defaults.</summary>
    public static KsmResult Measure(ParseResult parsed, Action<string> progress, CancellationToken stop)
    {
        var isQuick = parsed.GetValue(WorkloadOptions.Quick);
        var trace = WorkloadOptions.TraceOf(parsed) with { IsPair = parsed.GetValue(Pair) };
        if (trace is { IsPair: true, Folder: not null })
        {
            throw CommandException.BadUsage("--pair makes memory up, and --images brings some: give one of them.");
        }

        var options = new KsmOptions(
            trace,
            parsed.GetValue(Limit) ?? (isQuick ? TimeSpan.FromSeconds(15) : TimeSpan.FromMinutes(3)),
            Breaks: isQuick ? 2048 : 8192,
            isQuick,
            WorkloadOptions.SeedOf(parsed));
        return new KsmWorkload(options, progress).Run(stop);
    }
}

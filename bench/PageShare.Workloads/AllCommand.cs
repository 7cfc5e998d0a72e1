using System.CommandLine;
using PageShare.Cli;
using PageShare.Workloads.Budget;
using PageShare.Workloads.Cow;
using PageShare.Workloads.Isolated;
using PageShare.Workloads.Ksm;
using PageShare.Workloads.Pacing;
using PageShare.Workloads.Phases;
using PageShare.Workloads.Scale;

namespace PageShare.Workloads;

/// <summary>The definition of <c>all</c>: every workload, one after the other, in one report.</summary>
internal static class AllCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var command = new Command("all", "Runs all workloads, one after the other, for one report.")
        {
            WorkloadOptions.Images, WorkloadOptions.Size, WorkloadOptions.Fault, WorkloadOptions.Seed,
            WorkloadOptions.Quick, WorkloadOptions.Json, WorkloadOptions.Html,
        };
        ExampleHelp.AddTo(
            command,
            "phases, ksm, cow, scale, budget, pacing and isolated, with the options that they share; the others are at their "
            + "defaults.",
            ("All of it, small, in under five minutes:", "all --quick --html workloads.html"),
            ("For figures to quote, as root on a quiet machine:",
                "all --images ./images --json all.json --html all.html"));
        command.SetAction(parsed => Session.Run(parsed, (progress, stop) =>
        [
            PhasesCommand.Measure(parsed, Named(progress, "phases"), stop),
            KsmCommand.Measure(parsed, Named(progress, "ksm"), stop),
            CowCommand.Measure(parsed, Named(progress, "cow"), stop),
            ScaleCommand.Measure(parsed, Named(progress, "scale"), stop),
            BudgetCommand.Measure(parsed, Named(progress, "budget"), stop),
            PacingCommand.Measure(parsed, Named(progress, "pacing"), stop),
            IsolatedCommand.Measure(parsed, Named(progress, "isolated"), stop),
        ]));
        return command;
    }

    private static Action<string> Named(Action<string> progress, string name) => line => progress($"{name}: {line}");
}

using System.CommandLine;
using PageShare.Cli;

namespace PageShare.Workloads.Isolated;

/// <summary>The definition of <c>isolated</c>, and of the two verbs by which it starts its processes.</summary>
internal static class IsolatedCommand
{
    private const int UsualMebibytes = 4 << 10;
    private const int QuickMebibytes = 64;

    private static readonly Option<int?> Size = WorkloadOptions.NumberOption(
        "--size", "MiB that are taken over, in four guests (default 4096; 64 with --quick).", 16, 1 << 20);

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var command = new Command(
            "isolated", "Guests in processes of their own: orders through the ring, breaks, a host's death.")
        {
            Size, WorkloadOptions.Fault, WorkloadOptions.Seed,
            WorkloadOptions.Quick, WorkloadOptions.Json, WorkloadOptions.Html,
        };
        ExampleHelp.AddTo(
            command,
            """
            Merge orders and breaks are timed beside those of a guest in the host's process. For the takeover a host of
            four guests is killed; the fault mode is that of these guests. Sizes that do not fit into the memory that is
            available are halved until they do.
            """,
            ("Seconds:", "isolated --quick"),
            ("Take over 1 GiB, in fault mode kernel:", "isolated --size 1024 --fault-mode kernel"));
        command.SetAction(parsed => Session.Run(parsed, (progress, stop) => [Measure(parsed, progress, stop)]));
        return command;
    }

    /// <summary>The processes that the command starts. Not for people, so not in any help.</summary>
    public static IEnumerable<Command> CreateChildren()
    {
        var arguments = new Argument<string[]>("ARGUMENTS") { Arity = ArgumentArity.OneOrMore };
        var guest = new Command(GuestProgram.Verb) { arguments };
        guest.Hidden = true;
        guest.SetAction(parsed => GuestProgram.Run(parsed.GetValue(arguments)!));
        var host = new Command(HostProgram.Verb) { arguments };
        host.Hidden = true;
        host.SetAction(parsed => HostProgram.Run(parsed.GetValue(arguments)![0]));
        return [guest, host];
    }

    /// <summary>Runs it as the command line says. Options that a command lacks have their defaults.</summary>
    public static IsolatedResult Measure(ParseResult parsed, Action<string> progress, CancellationToken stop)
    {
        var isQuick = parsed.GetValue(WorkloadOptions.Quick);
        var options = new IsolatedOptions(
            (long)(parsed.GetValue(Size) ?? (isQuick ? QuickMebibytes : UsualMebibytes)) << 20,
            Pages: isQuick ? 2048 : 8192,
            Repetitions: isQuick ? 1 : 7,
            WorkloadOptions.FaultModeOf(parsed),
            WorkloadOptions.SeedOf(parsed));
        return new IsolatedWorkload(options, progress).Run(stop);
    }
}

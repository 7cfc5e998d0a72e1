using System.CommandLine;
using System.CommandLine.Invocation;
using PageShare.Cli;
using PageShare.Workloads.Budget;
using PageShare.Workloads.Cow;
using PageShare.Workloads.Isolated;
using PageShare.Workloads.Ksm;
using PageShare.Workloads.Pacing;
using PageShare.Workloads.Phases;
using PageShare.Workloads.Scale;

namespace PageShare.Workloads;

/// <summary>Measures PageShare end to end, each workload by a command.</summary>
internal static class Program
{
    /// <summary>Runs a command line.</summary>
    /// <returns>An <see cref="ExitCode"/>.</returns>
    internal static int Main(string[] arguments)
    {
        var root = new RootCommand("Measures page sharing end to end, on memory of real guests or made-up memory.")
        {
            PhasesCommand.Create(),
            KsmCommand.Create(),
            CowCommand.Create(),
            ScaleCommand.Create(),
            BudgetCommand.Create(),
            PacingCommand.Create(),
            IsolatedCommand.Create(),
            AllCommand.Create(),
        };
        foreach (var child in IsolatedCommand.CreateChildren())
        {
            root.Add(child);
        }

        ExampleHelp.AddTo(
            root,
            ("All of it, small, in under five minutes:", "all --quick --html workloads.html"),
            ("Sharing while real guests get busy:", "phases --images ./images"));
        var parsed = root.Parse(arguments);
        if (parsed.Action is ParseErrorAction)
        {
            foreach (var error in parsed.Errors)
            {
                Console.Error.WriteLine($"workloads: {error.Message}");
            }

            Console.Error.WriteLine("Try --help.");
            return ExitCode.BadUsage;
        }

        try
        {
            // Ctrl-C is StopRequest's: the parser's own handling would end the process two seconds after the first.
            return parsed.Invoke(new InvocationConfiguration
            {
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null,
            });
        }
        catch (CommandException refused)
        {
            Console.Error.WriteLine($"workloads: {refused.Message}");
            return refused.ExitCode;
        }
        catch (Exception refused) when (
            refused is IOException or UnauthorizedAccessException or PlatformNotSupportedException)
        {
            // What the system refuses comes with operation and subject: a trace would say no more.
            Console.Error.WriteLine($"workloads: {refused.Message}");
            return ExitCode.Failed;
        }
        catch (Exception unexpected) when (unexpected is not OutOfMemoryException)
        {
            Console.Error.WriteLine($"workloads: {unexpected}");
            return ExitCode.Failed;
        }
    }
}

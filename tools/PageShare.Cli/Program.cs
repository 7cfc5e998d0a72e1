using System.CommandLine;
using System.CommandLine.Invocation;
using System.Text;
using PageShare.Cli.Doctor;
using PageShare.Cli.Hosting;
using PageShare.Cli.Manual;
using PageShare.Cli.Record;
using PageShare.Cli.Run;
using PageShare.Cli.Run.Isolation;
using PageShare.Cli.Scan;
using PageShare.Cli.Tune;

namespace PageShare.Cli;

/// <summary>The command <c>pageshare</c>: parses the command line and turns every failure into a message and a
/// code.</summary>
internal static class Program
{
    /// <summary>Makes all commands.</summary>
    internal static RootCommand CreateRoot()
    {
        var root = new RootCommand("Finds equal pages in the memory of guests and keeps each only once.")
        {
            RunCommand.Create(),
            ScanCommand.Create(),
            RecordCommand.Create(),
            TuneCommand.Create(),
            DoctorCommand.Create(),
            HostCommand.Create(),
            StatusCommand.Create(),
            TopCommand.Create(),
            GuestCommand.Create(),
            GuestProcessCommand.Create(),
        };
        ExampleHelp.AddTo(
            root,
            ("See what sharing saves, on files that every machine has:", "pageshare run"),
            ("See what this machine offers, and what would improve it:", "pageshare doctor"));

        ManualCommands.AddTo(root);
        return root;
    }

    private static int Main(string[] arguments)
    {
        // What is piped is UTF-8 everywhere: Windows would have a code page of old.
        if (Console.IsOutputRedirected)
        {
            Console.OutputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
        }

        ParseResult parsed = CreateRoot().Parse(arguments);
        if (parsed.Action is ParseErrorAction)
        {
            return RefuseUsage(parsed);
        }

        // Ctrl-C belongs to StopRequest: the parser's own handling would end the process two seconds after the first.
        return parsed.Invoke(new InvocationConfiguration
        {
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = null,
        });
    }

    /// <summary>Runs a command's body: what went wrong is one line on standard error, and the exit code says the
    /// kind.</summary>
    public static int Guard(Func<int> body)
    {
        try
        {
            return body();
        }
        catch (CommandException refused)
        {
            Console.Error.WriteLine($"pageshare: {refused.Message}");
            return refused.ExitCode;
        }
        catch (Exception unexpected) when (unexpected is not OutOfMemoryException)
        {
            // The whole exception: whoever sees this has found a fault, and we need the trace to mend it.
            Console.Error.WriteLine($"pageshare: {unexpected}");
            return ExitCode.Failed;
        }
    }

    private static int RefuseUsage(ParseResult parsed)
    {
        foreach (var error in parsed.Errors)
        {
            Console.Error.WriteLine($"pageshare: {error.Message}");
        }

        string command = parsed.CommandResult.Command is RootCommand ? "" : $" {parsed.CommandResult.Command.Name}";
        Console.Error.WriteLine($"Try 'pageshare{command} --help'.");
        return ExitCode.BadUsage;
    }
}

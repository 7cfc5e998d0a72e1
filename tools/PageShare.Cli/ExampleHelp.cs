using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace PageShare.Cli;

/// <summary>The usual help, followed by examples and notes: people copy an example before they read an
/// option.</summary>
internal sealed class ExampleHelp : SynchronousCommandLineAction
{
    private readonly HelpAction _usual = new();
    private readonly (string What, string CommandLine)[] _examples;
    private readonly string _notes;

    private ExampleHelp((string What, string CommandLine)[] examples, string notes)
    {
        _examples = examples;
        _notes = notes;
    }

    /// <inheritdoc/>
    public override bool ClearsParseErrors => true;

    /// <summary>Gives a command its own help option with examples.</summary>
    public static void AddTo(Command command, params (string What, string CommandLine)[] examples) =>
        AddTo(command, "", examples);

    /// <summary>Gives a command its own help option with notes and examples.</summary>
    public static void AddTo(Command command, string notes, params (string What, string CommandLine)[] examples)
    {
        HelpOption? inherited = command.Options.OfType<HelpOption>().FirstOrDefault();
        if (inherited is null)
        {
            inherited = new HelpOption();
            command.Options.Add(inherited);
        }

        inherited.Action = new ExampleHelp(examples, notes);
    }

    /// <inheritdoc/>
    public override int Invoke(ParseResult parseResult)
    {
        int result = _usual.Invoke(parseResult);
        TextWriter output = parseResult.InvocationConfiguration.Output;
        if (_notes.Length > 0)
        {
            output.WriteLine(_notes);
            output.WriteLine();
        }

        output.WriteLine("Examples:");
        foreach ((string what, string commandLine) in _examples)
        {
            output.WriteLine($"  {what}");
            output.WriteLine($"    {commandLine}");
        }

        return result;
    }
}

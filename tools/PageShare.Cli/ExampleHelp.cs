using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace PageShare.Cli;

/// <summary>The usual help, followed by examples and notes: people copy an example before they read an
/// option.</summary>
internal sealed class ExampleHelp : SynchronousCommandLineAction
{
    private readonly HelpAction _usual = new();

    private ExampleHelp((string What, string CommandLine)[] examples, string notes)
    {
        Examples = examples;
        Notes = notes;
    }

    /// <summary>Command lines to copy, each with what it is for.</summary>
    public IReadOnlyList<(string What, string CommandLine)> Examples { get; }

    /// <summary>What the options do not say; may be empty.</summary>
    public string Notes { get; }

    /// <inheritdoc/>
    public override bool ClearsParseErrors => true;

    /// <summary>The help of a command; null if it has the usual one.</summary>
    public static ExampleHelp? Of(Command command) =>
        command.Options.OfType<HelpOption>().FirstOrDefault()?.Action as ExampleHelp;

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
        if (Notes.Length > 0)
        {
            output.WriteLine(Notes);
            output.WriteLine();
        }

        output.WriteLine("Examples:");
        foreach ((string what, string commandLine) in Examples)
        {
            output.WriteLine($"  {what}");
            output.WriteLine($"    {commandLine}");
        }

        return result;
    }
}

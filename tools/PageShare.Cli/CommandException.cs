namespace PageShare.Cli;

/// <summary>A failure that the user can do something about: shown as its message alone, without a trace.</summary>
internal sealed class CommandException : Exception
{
    private CommandException(string message, int exitCode, Exception? cause)
        : base(message, cause)
    {
        ExitCode = exitCode;
    }

    /// <summary>What the process returns.</summary>
    public int ExitCode { get; }

    /// <summary>The command line, or a file that it names, can't be used.</summary>
    public static CommandException BadUsage(string message, Exception? cause = null) =>
        new(message, Cli.ExitCode.BadUsage, cause);

    /// <summary>The command was right, and this machine or its state stands in the way.</summary>
    public static CommandException Failed(string message, Exception? cause = null) =>
        new(message, Cli.ExitCode.Failed, cause);

    /// <summary>The user ended it before there was a result.</summary>
    public static CommandException Aborted(string message) => new(message, Cli.ExitCode.Aborted, null);
}

namespace PageShare.Cli.Scan.Targets;

/// <summary>
/// A target that can't be read, or not to its end. The message does not name it; whoever shows it does.
/// </summary>
/// <param name="message">What is wrong and what to do.</param>
/// <param name="cause">What the system said.</param>
internal sealed class TargetException(string message, Exception? cause = null) : Exception(message, cause);

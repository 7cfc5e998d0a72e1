namespace PageShare.Cli;

/// <summary>What the exit codes of <c>pageshare</c> mean.</summary>
internal static class ExitCode
{
    /// <summary><c>run</c>: every byte verified. <c>doctor</c>: PageShare works here.</summary>
    public const int Success = 0;

    /// <summary>Not verified, or duplicates were there and nothing was saved, or the machine stood in the
    /// way.</summary>
    public const int Failed = 1;

    /// <summary>The command line, or a file that it names, can't be used.</summary>
    public const int BadUsage = 2;

    /// <summary><c>--until-converged</c> ended without convergence, by the timeout or by Ctrl-C.</summary>
    public const int NotConverged = 3;

    /// <summary>Ctrl-C before there was anything to share, or a second time: nothing was verified.</summary>
    public const int Aborted = 130;
}

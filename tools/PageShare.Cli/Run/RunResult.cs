using PageShare.Metrics;

namespace PageShare.Cli.Run;

/// <summary>All that a run found out.</summary>
internal sealed record RunResult
{
    /// <summary>What was asked.</summary>
    public required RunOptions Options { get; init; }

    /// <summary>The engine's counters at the end of the share phase.</summary>
    public required EngineSnapshot Snapshot { get; init; }

    /// <summary>The kernel's figure at that moment; null where it has none.</summary>
    public required KernelFigure? Kernel { get; init; }

    /// <summary>The pages that guests loaded, counted without the engine.</summary>
    public required LoadedPages Loaded { get; init; }

    /// <summary>What became of the share phase.</summary>
    public required ShareOutcome Share { get; init; }

    /// <summary>The guests' verdicts.</summary>
    public required IReadOnlyList<GuestVerdict> Verdicts { get; init; }

    /// <summary>CPU seconds by phase.</summary>
    public required PhaseSeconds Cpu { get; init; }

    /// <summary>How guests were kept apart.</summary>
    public IsolationReport Isolation { get; init; } = IsolationReport.None;

    /// <summary>Whether every byte was right, while guests worked and at the end.</summary>
    public bool Verified => Share.Faults.Count == 0 && Verdicts.All(verdict => verdict.Verified);

    /// <summary>Whether duplicates were there and nothing was saved. A run that the user cut short proves nothing, nor does
    /// one whose host died: the next one begins anew.</summary>
    public bool SavedNothing => Loaded.BestSavedBytes > 0
        && Snapshot.Totals.SavedBytes <= 0
        && !Share.Interrupted
        && Isolation.Takeovers.Count == 0;

    /// <summary>What was wrong, in words.</summary>
    public IEnumerable<string> Faults =>
        Share.Faults.Concat(Verdicts.SelectMany(verdict => verdict.Messages)).Distinct();

    /// <summary>What the process returns.</summary>
    public int ExitCode
    {
        get
        {
            if (!Verified)
            {
                return Cli.ExitCode.Failed;
            }

            if (Options.UntilConverged && Share.ConvergeSeconds is null)
            {
                return Cli.ExitCode.NotConverged;
            }

            return SavedNothing ? Cli.ExitCode.Failed : Cli.ExitCode.Success;
        }
    }
}

/// <summary>How the share phase went.</summary>
internal sealed record ShareOutcome
{
    /// <summary>Length of the phase.</summary>
    public required double Seconds { get; init; }

    /// <summary>Seconds until two passes in a row had merged nothing; null if that was not asked for or not
    /// reached.</summary>
    public required double? ConvergeSeconds { get; init; }

    /// <summary>Whether the user ended it before its time.</summary>
    public required bool Interrupted { get; init; }

    /// <summary>Pages that guests wrote while they worked.</summary>
    public required long PagesWritten { get; init; }

    /// <summary>Pages that guests read and checked while they worked.</summary>
    public required long PagesRead { get; init; }

    /// <summary>What guests found wrong while they worked.</summary>
    public required IReadOnlyList<string> Faults { get; init; }
}

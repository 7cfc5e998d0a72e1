using PageShare.Cli.Scan.Targets;

namespace PageShare.Cli.Scan.Count;

/// <summary>What was counted of one target. In a sample, contents are those of the sample.</summary>
/// <param name="target">The target.</param>
internal sealed class TargetTally(ScanTarget target)
{
    /// <summary>The target.</summary>
    public ScanTarget Target { get; } = target;

    /// <summary>Pages read.</summary>
    public long Pages { get; set; }

    /// <summary>Of these, all zero.</summary>
    public long ZeroPages { get; set; }

    /// <summary>Distinct contents that are not zero.</summary>
    public long Contents { get; set; }

    /// <summary>Of these, those that an earlier target has too.</summary>
    public long ContentsOfOthers { get; set; }

    /// <summary>Whether it was read to its end.</summary>
    public bool IsComplete { get; set; }

    /// <summary>Whether nothing of it could be read.</summary>
    public bool IsUnreadable => Pages == 0 && Target.Problems.Count > 0 && Target.AlreadySharedPages == 0;
}

using PageShare.Platform;

namespace PageShare.Cli.Traces;

/// <summary>All guests as they were at one time, told by what has changed since the moment before.</summary>
internal sealed record Moment
{
    /// <summary>Time since the first moment.</summary>
    public required TimeSpan At { get; init; }

    /// <summary>How busy the machine was; null if nobody looked.</summary>
    public required MachineLoad? Load { get; init; }

    /// <summary>CPU time that the observer itself had used by then, which <see cref="Load"/> contains.</summary>
    public TimeSpan OwnCpu { get; init; }

    /// <summary>One more than the highest number of a content met so far.</summary>
    public required int Contents { get; init; }

    /// <summary>Of each guest all its pages, in stretches.</summary>
    public required IReadOnlyList<IReadOnlyList<ChangeStretch>> Guests { get; init; }
}

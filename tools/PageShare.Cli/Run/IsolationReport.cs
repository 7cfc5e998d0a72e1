namespace PageShare.Cli.Run;

/// <summary>How the guests of a run were kept apart.</summary>
internal sealed record IsolationReport
{
    /// <summary><c>process</c>, or <c>none</c>: all in this process.</summary>
    public required string Kind { get; init; }

    /// <summary><c>own</c>: each guest has a user id of its own; <c>shared</c>: all have ours. Null without
    /// processes.</summary>
    public string? Uids { get; init; }

    /// <summary>Why ids are shared; else null.</summary>
    public string? Reason { get; init; }

    /// <summary>The host's process; the last one, if there were several.</summary>
    public int? HostPid { get; init; }

    /// <summary>The guests' processes.</summary>
    public IReadOnlyList<GuestIdentity> Guests { get; init; } = [];

    /// <summary>Each time that a host died and another took over.</summary>
    public IReadOnlyList<Takeover> Takeovers { get; init; } = [];

    /// <summary>Guests of this process.</summary>
    public static IsolationReport None { get; } = new() { Kind = "none" };
}

/// <summary>A guest's process.</summary>
/// <param name="Name">The guest.</param>
/// <param name="Pid">Its process.</param>
/// <param name="Uid">Its user.</param>
internal sealed record GuestIdentity(string Name, int Pid, long Uid);

/// <summary>How a new host took over from one that died.</summary>
internal sealed record Takeover
{
    /// <summary>The host that died.</summary>
    public required int FormerPid { get; init; }

    /// <summary>The one after it.</summary>
    public required int Pid { get; init; }

    /// <summary>From the death until the new host answered; null if it never did.</summary>
    public double? AnsweredSeconds { get; init; }

    /// <summary>From the death until all guests had come back; null if not before the end.</summary>
    public double? AttachedSeconds { get; init; }

    /// <summary>From the death until no page showed the former host's frames; null if not before the end.</summary>
    public double? MovedSeconds { get; init; }

    /// <summary>Pages that still show the former host's frames.</summary>
    public long PagesToMove { get; init; }
}

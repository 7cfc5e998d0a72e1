namespace PageShare.Protocol.Messages;

/// <summary>Body of <see cref="MessageKind.Hello"/>.</summary>
/// <param name="Program">Name of the program, for the host's log and status.</param>
/// <param name="IsOperator">Whether it asks for the host's counters and control rather than for memory.</param>
public sealed record HelloRequest(string Program, bool IsOperator = false);

/// <summary>Body of <see cref="MessageKind.Welcome"/>.</summary>
/// <param name="HostId">Unique to this run of the host: a client that sees another one resumes as after a
/// takeover.</param>
/// <param name="Version">The host's version, for people.</param>
public sealed record WelcomeAnswer(Guid HostId, string Version);

/// <summary>Why a request was refused; the number is never given a new meaning.</summary>
public enum RefusalCode
{
    /// <summary>The frame is not one of this protocol, or not now. The connection is closed.</summary>
    Protocol = 1,

    /// <summary>The versions do not fit. The connection is closed.</summary>
    Version = 2,

    /// <summary>The host's configuration does not allow it to this user.</summary>
    NotAllowed = 3,

    /// <summary>More memory or guests than this user may have.</summary>
    OverQuota = 4,

    /// <summary>A value is out of range.</summary>
    Invalid = 5,

    /// <summary>No such guest.</summary>
    NotFound = 6,

    /// <summary>The machine lacks memory, descriptors or something else; it may work later.</summary>
    OutOfResources = 7,

    /// <summary>The host is ending.</summary>
    Stopping = 8,
}

/// <summary>Body of <see cref="MessageKind.Refused"/>.</summary>
/// <param name="Code">What kind of reason.</param>
/// <param name="Reason">For people: what is wrong and what to do.</param>
public sealed record Refusal(RefusalCode Code, string Reason);

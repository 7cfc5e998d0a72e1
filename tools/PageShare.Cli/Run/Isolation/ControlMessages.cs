using System.Text.Json.Serialization;

namespace PageShare.Cli.Run.Isolation;

/// <summary>What a message between a run and a guest process is.</summary>
internal enum ControlKind
{
    /// <summary>Guest: the first message of a connection; says what it is for.</summary>
    Hello = 1,

    /// <summary>Run: what the guest is to be. Descriptors: its plan, and a file for its digests.</summary>
    Prepare,

    /// <summary>Guest: it has its memory.</summary>
    Prepared,

    /// <summary>Run: load.</summary>
    Load,

    /// <summary>Guest: loaded; the digests of all pages are in the file.</summary>
    Loaded,

    /// <summary>Run: begin to read and write. No answer.</summary>
    StartWork,

    /// <summary>Guest, unasked: a page did not hold what was written.</summary>
    Faulted,

    /// <summary>Run: stop reading and writing.</summary>
    StopWork,

    /// <summary>Guest: it has stopped, and this is what it did.</summary>
    WorkStopped,

    /// <summary>Run: compare every byte.</summary>
    Verify,

    /// <summary>Guest: the verdict.</summary>
    Verified,

    /// <summary>Guest: what it was told to do failed.</summary>
    Failed,

    /// <summary>Guest, on its connection for files: wants one.</summary>
    Fetch,

    /// <summary>Run: the file. Descriptor: the file, read-only.</summary>
    Fetched,
}

/// <summary>Body of <see cref="ControlKind.Hello"/>.</summary>
/// <param name="ForFiles">Whether the guest will ask for files here, rather than be told what to do.</param>
internal sealed record HelloBody(bool ForFiles);

/// <summary>Body of <see cref="ControlKind.Prepare"/>.</summary>
/// <param name="Name">The guest's name.</param>
/// <param name="Domain">Its share domain.</param>
/// <param name="FaultMode">How its stores to shared pages are caught.</param>
/// <param name="HostSocket">Where the host listens.</param>
/// <param name="Seed">Belongs to the guest alone.</param>
/// <param name="ReadsPerSecond">Pages to read while it works.</param>
/// <param name="WritesPerSecond">Pages to write while it works.</param>
internal sealed record PrepareBody(
    string Name,
    string Domain,
    FaultMode FaultMode,
    string HostSocket,
    ulong Seed,
    double ReadsPerSecond,
    double WritesPerSecond);

/// <summary>Body of messages that say nothing beside their kind.</summary>
internal sealed record EmptyBody;

/// <summary>Body of <see cref="ControlKind.WorkStopped"/>.</summary>
/// <param name="PagesWritten">Pages that the guest wrote.</param>
/// <param name="PagesRead">Pages that it read and checked.</param>
/// <param name="Fault">What it found wrong; null if nothing.</param>
internal sealed record WorkBody(long PagesWritten, long PagesRead, string? Fault);

/// <summary>Body of <see cref="ControlKind.Failed"/>.</summary>
/// <param name="Message">For people.</param>
/// <param name="ExitCode">What the run returns for it.</param>
internal sealed record FailedBody(string Message, int ExitCode);

/// <summary>Body of <see cref="ControlKind.Fetch"/>.</summary>
/// <param name="File">Its number in the guest's plan.</param>
internal sealed record FetchBody(int File);

/// <summary>Serialization without reflection.</summary>
[JsonSerializable(typeof(HelloBody))]
[JsonSerializable(typeof(PrepareBody))]
[JsonSerializable(typeof(EmptyBody))]
[JsonSerializable(typeof(WorkBody))]
[JsonSerializable(typeof(GuestVerdict))]
[JsonSerializable(typeof(FailedBody))]
[JsonSerializable(typeof(FetchBody))]
internal sealed partial class ControlJson : JsonSerializerContext;

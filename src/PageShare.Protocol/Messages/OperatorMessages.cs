using PageShare.Metrics;

namespace PageShare.Protocol.Messages;

/// <summary>Body of <see cref="MessageKind.GetStatus"/>: nothing.</summary>
public sealed record StatusRequest;

/// <summary>A guest's process, as the host knows it.</summary>
/// <param name="GuestId">The guest.</param>
/// <param name="Name">Its name; <c>UID/NAME</c> if another user has a guest of that name. Among the counters it has the
/// same.</param>
/// <param name="ProcessId">Its process; by the host's own count of processes.</param>
/// <param name="UserId">Its user.</param>
/// <param name="State"><c>created</c> (not attached yet), <c>attached</c>, <c>late</c> (an order is unanswered),
/// <c>moving</c> (still on the store of a former host), <c>lost</c> (no connection), or <c>distrusted</c> (left alone,
/// since it gave answers that cannot be).</param>
/// <param name="PagesToMove">Pages that still show a former host's frames.</param>
public sealed record GuestProcess(
    long GuestId, string Name, int ProcessId, uint UserId, string State, long PagesToMove);

/// <summary>Body of <see cref="MessageKind.Status"/>.</summary>
/// <param name="HostId">This run of the host.</param>
/// <param name="Version">The host's version.</param>
/// <param name="ProcessId">Its process.</param>
/// <param name="StartedAt">When it started.</param>
/// <param name="Engine">All counters.</param>
/// <param name="Processes">The guests' processes.</param>
public sealed record StatusAnswer(
    Guid HostId,
    string Version,
    int ProcessId,
    DateTimeOffset StartedAt,
    EngineSnapshot Engine,
    IReadOnlyList<GuestProcess> Processes);

/// <summary>What an operator may have done to a guest.</summary>
public enum ControlAction
{
    /// <summary>Leave it alone from now on.</summary>
    Pause = 1,

    /// <summary>Share its pages again.</summary>
    Resume = 2,

    /// <summary>Give each of its pages a copy of its own, now.</summary>
    Unshare = 3,
}

/// <summary>Body of <see cref="MessageKind.Control"/>.</summary>
/// <param name="Action">What to do.</param>
/// <param name="Guest">The guest's name, or <c>USER/NAME</c>, with the user's name or number; null: all.</param>
public sealed record ControlRequest(ControlAction Action, string? Guest);

/// <summary>Body of <see cref="MessageKind.GetContents"/>.</summary>
/// <param name="Guest">As in <see cref="ControlRequest"/>.</param>
/// <param name="FirstPage">First page.</param>
public sealed record ContentsRequest(string Guest, long FirstPage);

/// <summary>Body of <see cref="MessageKind.Contents"/>.</summary>
/// <param name="Pages">Pages of the guest.</param>
/// <param name="Kinds">
/// One letter a page from the asked one on, as many as fit: z zero, s shared, c shared and written since, with the copy
/// in the guest's process alone (fault mode Kernel), p private, v volatile, - absent.
/// </param>
public sealed record ContentsAnswer(long Pages, string Kinds);

/// <summary>Body of <see cref="MessageKind.GetMemory"/>.</summary>
/// <param name="Guest">The guest's name.</param>
public sealed record MemoryRequest(string Guest);

/// <summary>Body of <see cref="MessageKind.Memory"/>, with descriptors of backing, page table and stores.</summary>
/// <param name="Pages">Pages of the guest.</param>
/// <param name="FaultMode">Its fault mode: in Kernel mode copies of pages may lie in its process alone.</param>
/// <param name="StoreGenerations">Generations that page words may name, one for each store whose descriptor
/// comes.</param>
public sealed record MemoryAnswer(long Pages, FaultMode FaultMode, IReadOnlyList<int> StoreGenerations);

using PageShare.Metrics;

namespace PageShare.Protocol.Messages;

/// <summary>Body of <see cref="MessageKind.Allocate"/>.</summary>
/// <param name="Name">The guest's name, 1 to 128 characters without a slash; unique among the user's guests.</param>
/// <param name="Bytes">Its size: a positive multiple of 4096.</param>
/// <param name="MaximumBytes">The size that it may grow to; null: the host's choice.</param>
/// <param name="Domain">Share domain; null: the user's default.</param>
/// <param name="FaultMode">How stores to shared pages are caught; null: the host's default.</param>
/// <param name="Sharing">Whether its pages may be shared.</param>
public sealed record AllocateRequest(
    string Name, long Bytes, long? MaximumBytes, string? Domain, FaultMode? FaultMode, bool Sharing = true);

/// <summary>Body of <see cref="MessageKind.Allocated"/>, with descriptors of backing, page table, ring and
/// store.</summary>
/// <param name="GuestId">Names the guest in requests on any connection to this run of the host.</param>
/// <param name="Domain">The share domain it is in.</param>
/// <param name="Pages">Pages now.</param>
/// <param name="MaximumPages">Pages that it may grow to; backing, page table and ring are as large as for that.</param>
/// <param name="StoreBytes">Length of the view of the store to map; the store grows into it.</param>
/// <param name="FaultMode">The fault mode.</param>
/// <param name="TrackWrites">Whether the host will ask for written pages, if the guest's kernel can tell.</param>
/// <param name="BreakTimeoutNanoseconds">How long a break may wait for memory.</param>
/// <param name="BreakPages">Most pages that one store breaks; for the life of the guest, whichever host has it.</param>
public sealed record AllocatedAnswer(
    long GuestId,
    string Domain,
    long Pages,
    long MaximumPages,
    long StoreBytes,
    FaultMode FaultMode,
    bool TrackWrites,
    long BreakTimeoutNanoseconds,
    int BreakPages);

/// <summary>Body of <see cref="MessageKind.Grow"/>.</summary>
/// <param name="GuestId">Which guest.</param>
/// <param name="Pages">Its new size; mapped by the guest already.</param>
public sealed record GrowRequest(long GuestId, long Pages);

/// <summary>Body of <see cref="MessageKind.Free"/>, <see cref="MessageKind.Attached"/> and
/// <see cref="MessageKind.GetSnapshot"/>.</summary>
/// <param name="GuestId">Which guest.</param>
public sealed record GuestRequest(long GuestId);

/// <summary>Body of <see cref="MessageKind.Resume"/>, with descriptors of backing, page table, and stores.</summary>
/// <param name="FormerHostId">The host that made the guest or had it last.</param>
/// <param name="FormerGuestId">Its id there.</param>
/// <param name="Name">As when it was allocated.</param>
/// <param name="Pages">Pages now.</param>
/// <param name="MaximumPages">As it was told.</param>
/// <param name="Domain">As it was told.</param>
/// <param name="FaultMode">As it was told.</param>
/// <param name="Sharing">Whether its pages may be shared.</param>
/// <param name="StoreGenerations">Generations that page words may name, one for each store whose descriptor is
/// sent.</param>
/// <param name="NextGeneration">The generation that the new store will have in the page words.</param>
public sealed record ResumeRequest(
    Guid FormerHostId,
    long FormerGuestId,
    string Name,
    long Pages,
    long MaximumPages,
    string Domain,
    FaultMode FaultMode,
    bool Sharing,
    IReadOnlyList<int> StoreGenerations,
    int NextGeneration);

/// <summary>Body of <see cref="MessageKind.Resumed"/>, with descriptors of ring and store; none if
/// <paramref name="IsSame"/>.</summary>
/// <param name="GuestId">Its id now.</param>
/// <param name="IsSame">This host has kept the guest: ring and store are those that it has.</param>
/// <param name="StoreBytes">Length of the view of the new store to map.</param>
/// <param name="TrackWrites">Whether the host will ask for written pages.</param>
/// <param name="BreakTimeoutNanoseconds">How long a break may wait for memory.</param>
public sealed record ResumedAnswer(
    long GuestId, bool IsSame, long StoreBytes, bool TrackWrites, long BreakTimeoutNanoseconds);

/// <summary>Body of <see cref="MessageKind.Snapshot"/>.</summary>
/// <param name="Guest">The counters.</param>
public sealed record SnapshotAnswer(GuestSnapshot Guest);

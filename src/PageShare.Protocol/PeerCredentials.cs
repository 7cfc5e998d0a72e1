namespace PageShare.Protocol;

/// <summary>
/// Who is at the other end of a connection, by the kernel's word: of a client as it was when it connected, of a host as
/// it was when it began to listen.
/// </summary>
/// <param name="ProcessId">Its process, as seen from here; 0 if it is not visible from here.</param>
/// <param name="UserId">Its effective user.</param>
/// <param name="GroupId">Its effective group.</param>
public readonly record struct PeerCredentials(int ProcessId, uint UserId, uint GroupId);

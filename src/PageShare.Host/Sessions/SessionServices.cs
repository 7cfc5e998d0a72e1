using PageShare.Host.Access;
using PageShare.Host.Configuration;
using PageShare.Host.Guests;
using PageShare.Host.Status;
using PageShare.Platform;
using PageShare.Protocol.Messages;

namespace PageShare.Host.Sessions;

/// <summary>What all sessions of a host have in common.</summary>
internal sealed class SessionServices(
    HostIdentity identity,
    HostConfiguration configuration,
    AccessPolicy policy,
    UserNames names,
    GuestTable guests,
    IGuestMemories memories,
    StatusReport status,
    HostLog log)
{
    // Reasons may quote what a client has sent.
    public const int MostReason = 400;

    public HostIdentity Identity => identity;

    public HostLimits Limits => configuration.Limits;

    public AccessPolicy Policy => policy;

    public UserNames Names => names;

    public GuestTable Guests => guests;

    public IGuestMemories Memories => memories;

    public StatusReport Status => status;

    public HostLog Log => log;

    /// <summary>Memory and swap space of the machine.</summary>
    public long MachineBytes { get; } = HostPlatform.Create().MemoryAndSwapBytes;

    public QuietTime Quiet { get; } = new(TimeProvider.System);

    public void LogRefusedConnection(uint user, int process, string reason)
    {
        if (Quiet.IsOver(user, out var silenced))
        {
            log.ConnectionRefused(names.Describe(user), process, silenced, GuestName.Clean(reason, MostReason));
        }
    }

    public void LogRefusedRequest(Session client, string user, MessageKind kind, Refusal refusal)
    {
        if (Quiet.IsOver(client.Rights.User, out var silenced))
        {
            log.RequestRefused(
                user, client.ProcessId, kind, silenced, refusal.Code, GuestName.Clean(refusal.Reason, MostReason));
        }
    }
}

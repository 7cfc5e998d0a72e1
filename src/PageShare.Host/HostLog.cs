using Microsoft.Extensions.Logging;
using PageShare.Protocol.Messages;

namespace PageShare.Host;

/// <summary>Every line that the host logs, one an event.</summary>
internal sealed partial class HostLog(ILoggerFactory loggers)
{
    private readonly ILogger _logger = loggers.CreateLogger("pageshare");

    [LoggerMessage(1, LogLevel.Information,
        "Listening at {Socket} as user {User}, {Access}; host {HostId}, process {ProcessId}.")]
    public partial void Listening(string socket, string user, string access, Guid hostId, int processId);

    [LoggerMessage(2, LogLevel.Information, "Page and metrics at {Address}.")]
    public partial void WebListening(string address);

    [LoggerMessage(3, LogLevel.Information,
        "Stopping: {Connections} connections close; {Guests} guests keep their memory.")]
    public partial void Stopping(int connections, int guests);

    [LoggerMessage(4, LogLevel.Information, "Stopped.")]
    public partial void Stopped();

    [LoggerMessage(5, LogLevel.Critical, "Not started: {Reason}")]
    public partial void NotStarted(string reason);

    [LoggerMessage(6, LogLevel.Warning, "{Warning}")]
    public partial void Warning(string warning);

    [LoggerMessage(10, LogLevel.Information,
        "Guest {Name} ({Id}) of user {User}, process {ProcessId}: {MiB:0.###} MiB in domain {Domain}.")]
    public partial void GuestAllocated(string name, long id, string user, int processId, double miB, string domain);

    [LoggerMessage(11, LogLevel.Information,
        "Guest {Name} ({Id}) of user {User}, process {ProcessId}: resumed from another host, {MiB:0.###} MiB "
        + "in domain {Domain}.")]
    public partial void GuestTakenOver(string name, long id, string user, int processId, double miB, string domain);

    [LoggerMessage(12, LogLevel.Information,
        "Guest {Name} ({Id}) of process {ProcessId}: resumed over a new connection.")]
    public partial void GuestResumed(string name, long id, int processId);

    [LoggerMessage(13, LogLevel.Debug, "Guest {Name} ({Id}): attached.")]
    public partial void GuestAttached(string name, long id);

    [LoggerMessage(14, LogLevel.Information, "Guest {Name} ({Id}): grown to {MiB:0.###} MiB.")]
    public partial void GuestGrown(string name, long id, double miB);

    [LoggerMessage(15, LogLevel.Information, "Guest {Name} ({Id}): freed.")]
    public partial void GuestFreed(string name, long id);

    [LoggerMessage(16, LogLevel.Warning,
        "Guest {Name} ({Id}): connection lost, process {ProcessId} lives; its frames stay.")]
    public partial void GuestLost(string name, long id, int processId);

    [LoggerMessage(17, LogLevel.Information, "Guest {Name} ({Id}): process {ProcessId} has ended; all freed.")]
    public partial void GuestDied(string name, long id, int processId);

    [LoggerMessage(18, LogLevel.Error, "Guest {Name} ({Id}): could not be freed.")]
    public partial void GuestNotFreed(string name, long id, Exception failure);

    [LoggerMessage(19, LogLevel.Warning,
        "Guest {Name} ({Id}): not trusted any more, its connection closes: {Reason}")]
    public partial void GuestDistrusted(string name, long id, string reason);

    [LoggerMessage(30, LogLevel.Debug, "Connection of user {User}, process {ProcessId}: {Program}{Role}.")]
    public partial void Connected(string user, int processId, string program, string role);

    [LoggerMessage(31, LogLevel.Debug, "Connection of user {User}, process {ProcessId}: ended{Reason}.")]
    public partial void Disconnected(string user, int processId, string reason);

    [LoggerMessage(32, LogLevel.Warning,
        "Connection of user {User}, process {ProcessId}: refused ({Others} more since the last such line): "
        + "{Reason}")]
    public partial void ConnectionRefused(string user, int processId, int others, string reason);

    [LoggerMessage(33, LogLevel.Warning,
        "User {User}, process {ProcessId}: {Kind} refused ({Others} more since the last such line): {Code}: "
        + "{Reason}")]
    public partial void RequestRefused(
        string user, int processId, MessageKind kind, int others, RefusalCode code, string reason);

    [LoggerMessage(34, LogLevel.Error, "User {User}, process {ProcessId}: {Kind} failed.")]
    public partial void RequestFailed(string user, int processId, MessageKind kind, Exception failure);

    [LoggerMessage(35, LogLevel.Error, "No connection can be accepted: {Reason} Trying again.")]
    public partial void AcceptFailed(string reason);

    [LoggerMessage(36, LogLevel.Information, "Connections are accepted again.")]
    public partial void AcceptRecovered();

    [LoggerMessage(40, LogLevel.Information, "User {User}, process {ProcessId}: {Action} of {Guest}.")]
    public partial void Controlled(string user, int processId, ControlAction action, string guest);

    [LoggerMessage(41, LogLevel.Information, "User {User}, process {ProcessId}: reads the memory of {Guest}.")]
    public partial void MemoryRead(string user, int processId, string guest);
}

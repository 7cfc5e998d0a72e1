using PageShare.Protocol;
using PageShare.Protocol.Messages;

namespace PageShare.Host.Sessions;

/// <summary>Which request goes where.</summary>
internal static class RequestHandlers
{
    /// <summary>Carries a request out.</summary>
    /// <exception cref="ProtocolException">It is no request; the connection is to be closed.</exception>
    public static Answer Answer(Frame frame, Session client, SessionServices services)
    {
        var guests = new GuestRequests(client, services);
        var operators = new OperatorRequests(client, services);
        return frame.Kind switch
        {
            MessageKind.Allocate => guests.Allocate(frame.Read<AllocateRequest>()),
            MessageKind.Grow => guests.Grow(frame.Read<GrowRequest>()),
            MessageKind.Free => guests.Free(frame.Read<GuestRequest>()),
            MessageKind.Resume => guests.Resume(frame),
            MessageKind.Attached => guests.Attached(frame.Read<GuestRequest>()),
            MessageKind.GetSnapshot => guests.GetSnapshot(frame.Read<GuestRequest>()),
            MessageKind.GetStatus => operators.GetStatus(),
            MessageKind.Control => operators.Control(frame.Read<ControlRequest>()),
            MessageKind.GetContents => operators.GetContents(frame.Read<ContentsRequest>()),
            MessageKind.GetMemory => operators.GetMemory(frame.Read<MemoryRequest>()),
            MessageKind.Hello => throw new ProtocolException("Hello is the first frame of a connection and no other."),
            _ => throw new ProtocolException($"{frame.Kind} is not for a client to send."),
        };
    }
}

using System.Runtime.InteropServices;
using PageShare.Protocol;
using PageShare.Protocol.Messages;

namespace PageShare.Host.Sessions;

/// <summary>The answer to a request, ready to be sent.</summary>
internal abstract class Answer : IDisposable
{
    /// <summary>A request without an answer of its own was carried out.</summary>
    public static Answer Done { get; } = Of(MessageKind.Done, new EmptyBody());

    /// <summary>What to undo if the client does not get it.</summary>
    public Action? IfUndelivered { get; private init; }

    /// <summary>Descriptors that are this answer's own, closed with it.</summary>
    public IReadOnlyList<SafeHandle> Owned { get; private init; } = [];

    public static Answer Of<T>(MessageKind kind, T body) => new Typed<T>(kind, body, []);

    /// <summary>With descriptors of a guest, which is given up if the client does not get them.</summary>
    public static Answer Of<T>(MessageKind kind, T body, Action ifUndelivered, params SafeHandle[] descriptors) =>
        new Typed<T>(kind, body, descriptors) { IfUndelivered = ifUndelivered };

    /// <summary>With descriptors that are closed with the answer.</summary>
    public static Answer Owning<T>(MessageKind kind, T body, IReadOnlyList<SafeHandle> descriptors) =>
        new Typed<T>(kind, body, [.. descriptors]) { Owned = descriptors };

    public static Answer Refused(Refusal refusal) => Of(MessageKind.Refused, refusal);

    /// <summary>Sends it.</summary>
    public abstract void Send(FrameChannel channel);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var descriptor in Owned)
        {
            descriptor.Dispose();
        }
    }

    private sealed class Typed<T>(MessageKind kind, T body, SafeHandle[] descriptors) : Answer
    {
        public override void Send(FrameChannel channel) => channel.Send(kind, body, descriptors);
    }
}

using PageShare.Protocol.Messages;

namespace PageShare.Protocol;

/// <summary>The peer sent what is not of this protocol. The connection is of no use any more.</summary>
public sealed class ProtocolException : IOException
{
    internal ProtocolException(string message, Exception? inner = null)
        : this(RefusalCode.Protocol, message, inner)
    {
    }

    internal ProtocolException(RefusalCode code, string message, Exception? inner = null)
        : base(message, inner) => Code = code;

    /// <summary><see cref="RefusalCode.Protocol"/> or <see cref="RefusalCode.Version"/>: what to tell the peer before
    /// closing.</summary>
    public RefusalCode Code { get; }
}

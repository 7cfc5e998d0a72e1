using PageShare.Protocol.Messages;

namespace PageShare.Host.Guests;

/// <summary>A request is refused; the client is told why, and the connection goes on.</summary>
internal sealed class RequestRefusedException(Refusal refusal) : Exception(refusal.Reason)
{
    public RequestRefusedException(RefusalCode code, string reason)
        : this(new Refusal(code, reason))
    {
    }

    /// <summary>What the client is told.</summary>
    public Refusal Refusal { get; } = refusal;
}

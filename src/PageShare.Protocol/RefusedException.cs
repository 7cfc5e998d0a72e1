using PageShare.Protocol.Messages;

namespace PageShare.Protocol;

/// <summary>The host refused a request; the message is the host's reason.</summary>
public sealed class RefusedException : IOException
{
    internal RefusedException(Refusal refusal)
        : base($"The host refused: {refusal.Reason}") => Refusal = refusal;

    /// <summary>What the host said.</summary>
    public Refusal Refusal { get; }

    /// <summary>What kind of reason it is.</summary>
    public RefusalCode Code => Refusal.Code;
}

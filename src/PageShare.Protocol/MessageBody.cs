using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using PageShare.Protocol.Messages;

namespace PageShare.Protocol;

/// <summary>From a message's body to bytes and back.</summary>
/// <remarks>
/// Whoever reads a body knows then that its members are there and of their types. Whether sizes, names and numbers make
/// sense is for the receiver to judge.
/// </remarks>
internal static class MessageBody
{
    /// <summary>Writes a body.</summary>
    /// <exception cref="ArgumentException">It is not the body of such a message, or longer than a frame may
    /// be.</exception>
    public static byte[] Write<T>(MessageKind kind, T body)
    {
        if (TypeOf(kind) is not JsonTypeInfo<T> type)
        {
            throw new ArgumentException($"{typeof(T).Name} is not the body of {kind}.", nameof(body));
        }

        var bytes = JsonSerializer.SerializeToUtf8Bytes(body, type);
        return bytes.Length <= FrameHeader.MaximumBodyLength
            ? bytes
            : throw new ArgumentException(
                $"The body of this {kind} has {bytes.Length} bytes; {FrameHeader.MaximumBodyLength} are allowed.",
                nameof(body));
    }

    /// <summary>Reads a body.</summary>
    /// <exception cref="ProtocolException">The bytes are not such a body.</exception>
    /// <exception cref="ArgumentException">The type is not that of such bodies.</exception>
    public static T Read<T>(MessageKind kind, ReadOnlySpan<byte> bytes)
    {
        if (TypeOf(kind) is not JsonTypeInfo<T> type)
        {
            throw new ArgumentException($"The body of {kind} is no {typeof(T).Name}.", nameof(kind));
        }

        return (T)Read(kind, type, bytes);
    }

    /// <summary>Reads the body of any message.</summary>
    /// <exception cref="ProtocolException">The bytes are not such a body.</exception>
    public static object Read(MessageKind kind, ReadOnlySpan<byte> bytes) => Read(kind, TypeOf(kind), bytes);

    private static object Read(MessageKind kind, JsonTypeInfo type, ReadOnlySpan<byte> bytes)
    {
        try
        {
            return JsonSerializer.Deserialize(bytes, type)
                ?? throw new ProtocolException($"The body of {kind} is null.");
        }
        catch (JsonException wrong)
        {
            throw new ProtocolException($"The body of {kind} cannot be read: {wrong.Message}", wrong);
        }
    }

    private static JsonTypeInfo TypeOf(MessageKind kind) =>
        MessageRules.Of(kind)?.Body
        ?? throw new ArgumentException($"No message has the kind {(ushort)kind}.", nameof(kind));
}

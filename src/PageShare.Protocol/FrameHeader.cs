using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using PageShare.Protocol.Messages;

namespace PageShare.Protocol;

/// <summary>
/// What stands before every frame's body and says how long it is. Little-endian:
/// <code>
///  0        4         6      8             12             16
///  +--------+---------+------+-------------+--------------+---------------------+
///  | "PGSH" | version | kind | body length | descriptors  | body, UTF-8 JSON ...
///  +--------+---------+------+-------------+--------------+---------------------+
/// </code>
/// The descriptors travel beside the header's first byte.
/// </summary>
/// <param name="Kind">What the frame carries.</param>
/// <param name="BodyLength">Bytes of the body.</param>
/// <param name="Descriptors">Descriptors that come with the frame.</param>
public readonly record struct FrameHeader(MessageKind Kind, int BodyLength, int Descriptors)
{
    /// <summary>Bytes of a header.</summary>
    public const int Bytes = 16;

    /// <summary>The first four bytes, <c>PGSH</c>: tells a frame from whatever else may speak here.</summary>
    public const uint Magic = 0x4853_4750;

    /// <summary>The protocol's version. Others are refused: nothing behind the version field is known of
    /// them.</summary>
    public const ushort Version = 1;

    /// <summary>Longest body, so that no peer can make us hold much.</summary>
    public const int MaximumBodyLength = 256 * 1024;

    /// <summary>Most descriptors of a frame.</summary>
    public const int MaximumDescriptors = 8;

    /// <summary>Reads a header. All that can be wrong about it is found here, before anything is allocated for
    /// it.</summary>
    /// <param name="source">At least <see cref="Bytes"/> bytes.</param>
    /// <param name="header">The header, if it is one.</param>
    /// <param name="error">What is wrong with it, if it is none.</param>
    /// <exception cref="ArgumentException">The source is shorter than a header.</exception>
    public static bool TryParse(
        ReadOnlySpan<byte> source, out FrameHeader header, [NotNullWhen(false)] out ProtocolException? error)
    {
        if (source.Length < Bytes)
        {
            throw new ArgumentException($"A header has {Bytes} bytes, not {source.Length}.", nameof(source));
        }

        header = default;
        var magic = BinaryPrimitives.ReadUInt32LittleEndian(source);
        if (magic != Magic)
        {
            error = new ProtocolException(
                $"This is no PageShare frame: it starts with 0x{magic:x8}, not 0x{Magic:x8}.");
            return false;
        }

        var version = BinaryPrimitives.ReadUInt16LittleEndian(source[4..]);
        if (version != Version)
        {
            error = new ProtocolException(
                RefusalCode.Version,
                $"The peer speaks version {version} of the protocol, this program version {Version}. "
                + "Host and guests must come from matching releases of PageShare.");
            return false;
        }

        var kind = (MessageKind)BinaryPrimitives.ReadUInt16LittleEndian(source[6..]);
        var length = BinaryPrimitives.ReadUInt32LittleEndian(source[8..]);
        var descriptors = BinaryPrimitives.ReadUInt32LittleEndian(source[12..]);
        error = MessageRules.Of(kind) switch
        {
            null => new ProtocolException($"No message has the kind {(ushort)kind}."),
            _ when length > MaximumBodyLength => new ProtocolException(
                $"{kind} announces a body of {length} bytes; {MaximumBodyLength} are allowed."),
            { } rule when descriptors < rule.LeastDescriptors || descriptors > rule.MostDescriptors =>
                new ProtocolException($"{kind} comes with {rule.DescribeDescriptors()}, not {descriptors}."),
            _ => null,
        };
        if (error is not null)
        {
            return false;
        }

        header = new FrameHeader(kind, (int)length, (int)descriptors);
        return true;
    }

    /// <summary>Writes the header.</summary>
    /// <param name="destination">At least <see cref="Bytes"/> bytes.</param>
    public void Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(destination, Magic);
        BinaryPrimitives.WriteUInt16LittleEndian(destination[4..], Version);
        BinaryPrimitives.WriteUInt16LittleEndian(destination[6..], (ushort)Kind);
        BinaryPrimitives.WriteInt32LittleEndian(destination[8..], BodyLength);
        BinaryPrimitives.WriteInt32LittleEndian(destination[12..], Descriptors);
    }
}

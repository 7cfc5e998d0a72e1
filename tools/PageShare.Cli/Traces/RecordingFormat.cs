using System.Buffers.Binary;
using System.IO.Hashing;

namespace PageShare.Cli.Traces;

/// <summary>What the blocks of a recording are.</summary>
internal enum BlockKind : byte
{
    /// <summary>The first: who was recorded.</summary>
    Head = 1,

    /// <summary>What changed since the moment before.</summary>
    Moment = 2,

    /// <summary>The last: the recording was ended, not cut off.</summary>
    End = 3,
}

/// <summary>The file format of recordings.</summary>
/// <remarks>
/// <code>
///  file    magic "PSREC\r\n\0"   version u32   block ...
///  block   kind u8   length u32   payload   XXH3-64 of all before it u64
///
///  Head    page size, guests, then each guest's name (length, UTF-8)
///  Moment  milliseconds, contents, load (0, or 1 and idle, busy, own CPU in ticks, pressure in 1/1000 % plus 1),
///          then for each guest: stretches, then each stretch (length × 8 + kind, and a content where it has one)
///  End     number of moments
/// </code>
/// <para>Numbers in payloads are in base 128, lowest digits first; others are little-endian. A file without its End was
/// cut off; a checksum that is wrong is damage.</para>
/// <para>What is recorded are neither contents nor their hashes, but which pages are equal: contents have numbers in
/// the order in which they are first met. Hashes, whose seed is made anew for each recording, only find the number and
/// are forgotten. So nobody can look up in a recording whether a guest held a page that he knows.</para>
/// </remarks>
internal static class RecordingFormat
{
    /// <summary>The only version so far.</summary>
    public const uint Version = 1;

    /// <summary>Bytes before the first block.</summary>
    public const int FileHeadBytes = 12;

    /// <summary>Bytes of a block before its payload.</summary>
    public const int BlockHeadBytes = 5;

    /// <summary>Bytes of a block behind its payload.</summary>
    public const int ChecksumBytes = sizeof(ulong);

    /// <summary>Bits of a stretch's kind.</summary>
    public const int KindBits = 3;

    /// <summary>Pressure is kept in thousandths of a percent.</summary>
    public const double PressureScale = 1000;

    private const int DigitBits = 7;
    private const byte MoreDigits = 1 << DigitBits;

    /// <summary>How a recording begins: with a line end that text transfers would change.</summary>
    public static ReadOnlySpan<byte> Magic => "PSREC\r\n\0"u8;

    /// <summary>Appends a number.</summary>
    public static void Write(List<byte> payload, long number)
    {
        ulong rest = checked((ulong)number);
        for (; rest >= MoreDigits; rest >>= DigitBits)
        {
            payload.Add((byte)(rest | MoreDigits));
        }

        payload.Add((byte)rest);
    }

    /// <summary>Takes a number off the front.</summary>
    /// <exception cref="InvalidDataException">There is none.</exception>
    public static long Read(ref ReadOnlySpan<byte> payload)
    {
        ulong number = 0;
        for (int i = 0, shift = 0; i < payload.Length && shift < sizeof(long) * 8; i++, shift += DigitBits)
        {
            number |= (ulong)(payload[i] & (MoreDigits - 1)) << shift;
            if ((payload[i] & MoreDigits) == 0 && number <= long.MaxValue)
            {
                payload = payload[(i + 1)..];
                return (long)number;
            }
        }

        throw new InvalidDataException("a number has no end");
    }

    /// <summary>A whole block.</summary>
    public static byte[] Block(BlockKind kind, ReadOnlySpan<byte> payload)
    {
        byte[] block = new byte[BlockHeadBytes + payload.Length + ChecksumBytes];
        block[0] = (byte)kind;
        BinaryPrimitives.WriteInt32LittleEndian(block.AsSpan(1), payload.Length);
        payload.CopyTo(block.AsSpan(BlockHeadBytes));
        Span<byte> checksum = block.AsSpan(^ChecksumBytes..);
        BinaryPrimitives.WriteUInt64LittleEndian(checksum, XxHash3.HashToUInt64(block.AsSpan(..^ChecksumBytes)));
        return block;
    }
}

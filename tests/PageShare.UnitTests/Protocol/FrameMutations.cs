using System.Buffers.Binary;
using System.Text;
using PageShare.Protocol;
using PageShare.Protocol.Messages;

namespace PageShare.UnitTests.Protocol;

/// <summary>Makes frames that are nearly right, and some that are not right at all.</summary>
internal sealed class FrameMutations(Random random)
{
    private static readonly byte[][] Valid = [.. SampleMessages.All.Keys.Select(SampleMessages.FrameOf)];

    private static readonly uint[] Interesting =
    [
        0, 1, 2, 4, 8, 9, 16, 255, 256, 0x7fff, 0x8000, 0xffff, FrameHeader.MaximumBodyLength,
        FrameHeader.MaximumBodyLength + 1, int.MaxValue, 0x8000_0000, uint.MaxValue,
    ];

    private static readonly byte[][] Fragments = [.. new[]
    {
        "null", "{}", "[]", "-1", "1e999", "99999999999999999999", "\"\"", "\"\\ud800\"",
        "true", "{", "}", "[", ",", ":",
        "\"name\":", "\"guestId\":1,", "\\u0000", "0.5", "/**/", "\u00e4", "NaN",
    }.Select(Encoding.UTF8.GetBytes)];

    /// <summary>The next one, shorter than 64 KiB.</summary>
    public byte[] Next()
    {
        var frame = (byte[])Valid[random.Next(Valid.Length)].Clone();
        switch (random.Next(10))
        {
            case 0:
                return Noise();
            case 1:
                return frame;
            case 2:
                PutInteresting(frame);
                return frame;
            case 3:
                return frame[..random.Next(frame.Length)];
            case 4:
                // A header with a body of noise, or of another kind.
                return WithBody(frame, random.Next(2) == 0 ? Noise() : Body(Valid[random.Next(Valid.Length)]));
            default:
                var body = Body(frame);
                for (var changes = random.Next(1, 4); changes > 0; changes--)
                {
                    body = Changed(body);
                }

                return WithBody(frame, body);
        }
    }

    private static byte[] Body(byte[] frame) => frame[FrameHeader.Bytes..];

    private static byte[] WithBody(byte[] frame, byte[] body)
    {
        BinaryPrimitives.WriteInt32LittleEndian(frame.AsSpan(8), body.Length);
        return [.. frame[..FrameHeader.Bytes], .. body];
    }

    private byte[] Noise()
    {
        var noise = new byte[random.Next(200)];
        random.NextBytes(noise);
        return noise;
    }

    private void PutInteresting(byte[] frame)
    {
        var value = Interesting[random.Next(Interesting.Length)];
        switch (random.Next(4))
        {
            case 0:
                BinaryPrimitives.WriteUInt16LittleEndian(frame.AsSpan(4), (ushort)value);
                break;
            case 1:
                BinaryPrimitives.WriteUInt16LittleEndian(frame.AsSpan(6), (ushort)value);
                break;
            case 2:
                BinaryPrimitives.WriteUInt32LittleEndian(frame.AsSpan(8), value);
                break;
            default:
                BinaryPrimitives.WriteUInt32LittleEndian(frame.AsSpan(12), value);
                break;
        }
    }

    private byte[] Changed(byte[] body)
    {
        var at = random.Next(body.Length + 1);
        switch (random.Next(6))
        {
            case 0 when at < body.Length: // a flipped bit
                body[at] ^= (byte)(1 << random.Next(8));
                return body;
            case 1 when at < body.Length: // another character
                body[at] = (byte)random.Next(32, 127);
                return body;
            case 2: // something taken out
                var end = Math.Min(body.Length, at + random.Next(12));
                return [.. body[..at], .. body[end..]];
            case 3: // something put in
                return [.. body[..at], .. Fragments[random.Next(Fragments.Length)], .. body[at..]];
            case 4: // a part twice
                var stop = Math.Min(body.Length, at + random.Next(40));
                return [.. body[..stop], .. body[at..stop], .. body[stop..]];
            default: // nested deeply
                return [.. body[..at], .. Enumerable.Repeat((byte)'[', random.Next(100)), .. body[at..]];
        }
    }
}

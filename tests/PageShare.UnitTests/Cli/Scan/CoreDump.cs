using System.Buffers.Binary;

namespace PageShare.UnitTests.Cli.Scan;

/// <summary>Writes an ELF core dump by hand, right or wrong in any field.</summary>
internal sealed class CoreDump
{
    private const int HeaderBytes = 64;
    private const int EntryBytes = 56;
    private const int PageBytes = 4096;

    private readonly List<(byte[] Entry, byte[] Content)> _segments = [];
    private readonly List<Action<byte[]>> _edits = [];
    private long _end = PageBytes;

    /// <summary>Adds a segment whose bytes lie behind those of the one before.</summary>
    public CoreDump Add(
        ulong address, byte[] content, uint type = 1, ulong physical = 0, ulong? offset = null, ulong? memory = null)
    {
        byte[] entry = new byte[EntryBytes];
        BinaryPrimitives.WriteUInt32LittleEndian(entry, type);
        BinaryPrimitives.WriteUInt64LittleEndian(entry.AsSpan(8), offset ?? (ulong)_end);
        BinaryPrimitives.WriteUInt64LittleEndian(entry.AsSpan(16), address);
        BinaryPrimitives.WriteUInt64LittleEndian(entry.AsSpan(24), physical);
        BinaryPrimitives.WriteUInt64LittleEndian(entry.AsSpan(32), (ulong)content.Length);
        BinaryPrimitives.WriteUInt64LittleEndian(entry.AsSpan(40), memory ?? (ulong)content.Length);
        _segments.Add((entry, content));
        _end += content.Length;
        return this;
    }

    /// <summary>Changes the finished bytes.</summary>
    public CoreDump Edit(Action<byte[]> edit)
    {
        _edits.Add(edit);
        return this;
    }

    public byte[] ToBytes()
    {
        byte[] file = new byte[_end];
        ReadOnlySpan<byte> identity = [0x7F, (byte)'E', (byte)'L', (byte)'F', 2, 1, 1];
        identity.CopyTo(file);
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(16), 4);
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(18), 62);
        BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(20), 1);
        BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(32), HeaderBytes);
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(52), HeaderBytes);
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(54), EntryBytes);
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(56), (ushort)_segments.Count);
        long at = PageBytes;
        for (int i = 0; i < _segments.Count; i++)
        {
            _segments[i].Entry.CopyTo(file.AsSpan(HeaderBytes + (i * EntryBytes)));
            _segments[i].Content.CopyTo(file.AsSpan((int)at));
            at += _segments[i].Content.Length;
        }

        _edits.ForEach(edit => edit(file));
        return file;
    }
}

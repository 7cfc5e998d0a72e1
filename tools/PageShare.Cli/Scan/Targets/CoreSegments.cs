using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;

namespace PageShare.Cli.Scan.Targets;

/// <summary>A loaded segment (PT_LOAD) of a core dump.</summary>
/// <param name="Address">Where it lay in memory.</param>
/// <param name="Offset">Where its bytes are in the file.</param>
/// <param name="Bytes">Bytes in the file; what the segment had beyond them was not dumped.</param>
/// <param name="MemoryBytes">Bytes in memory.</param>
internal readonly record struct CoreSegment(ulong Address, long Offset, long Bytes, ulong MemoryBytes);

/// <summary>Finds the loaded segments of a core dump and refuses those that can't be true.</summary>
internal static class CoreSegments
{
    private const int LoadType = 1;
    private const int EntriesAtOnce = 1024;

    /// <summary>The segments that have bytes in the file, by address.</summary>
    /// <exception cref="TargetException">Some lie outside the file, not on pages, or over one another.</exception>
    public static IReadOnlyList<CoreSegment> Read(SafeFileHandle file, long length)
    {
        ElfHeader header = ElfHeader.Read(file, length);
        var entries = new List<Entry>();
        byte[] buffer = new byte[EntriesAtOnce * ElfHeader.EntryBytes];
        for (int done = 0; done < header.Count; done += EntriesAtOnce)
        {
            int count = Math.Min(EntriesAtOnce, header.Count - done);
            Span<byte> table = buffer.AsSpan(0, count * ElfHeader.EntryBytes);
            if (RandomAccess.Read(file, table, header.TableOffset + ((long)done * ElfHeader.EntryBytes)) < table.Length)
            {
                throw new TargetException("became shorter while it was read. Scan what nobody writes to.");
            }

            for (; table.Length > 0; table = table[ElfHeader.EntryBytes..])
            {
                Entry entry = Entry.Read(table);
                if (entry.Type == LoadType && entry.FileBytes > 0)
                {
                    entries.Add(entry);
                }
            }
        }

        if (entries.Count == 0)
        {
            throw new TargetException("has no loaded segment with content: there are no pages to count.");
        }

        // Dumps of machines give physical addresses, and may have the same virtual one, often 0, for every segment.
        bool physical = entries.Exists(entry => entry.Physical != 0);
        List<CoreSegment> segments = [.. entries.Select((entry, number) => Check(entry, number, physical, length))];
        RefuseOverlaps(segments);
        return segments;
    }

    private static CoreSegment Check(Entry entry, int number, bool physical, long length)
    {
        ulong address = physical ? entry.Physical : entry.Virtual;
        if (entry.Offset > (ulong)length || entry.FileBytes > (ulong)length - entry.Offset)
        {
            throw new TargetException(
                $"is cut off: its loaded segment {number} at address {address:x} has {entry.FileBytes:N0} bytes at "
                + $"offset {entry.Offset:N0}, and the file has {length:N0} bytes. "
                + "Make the dump anew (ulimit -c unlimited, free disk).");
        }

        if (address % Quantity.PageBytes != 0 || entry.FileBytes % Quantity.PageBytes != 0)
        {
            throw new TargetException(
                $"has a loaded segment ({number}) at address {address:x} with {entry.FileBytes:N0} bytes, which are "
                + "no whole pages. Such a dump can't be counted by pages.");
        }

        ulong memory = Math.Max(entry.MemoryBytes, entry.FileBytes);
        if (address > ulong.MaxValue - memory)
        {
            throw new TargetException(
                $"has a loaded segment ({number}) of {memory:N0} bytes at address {address:x}, beyond all addresses: "
                + "it is damaged.");
        }

        return new CoreSegment(address, (long)entry.Offset, (long)entry.FileBytes, memory);
    }

    private static void RefuseOverlaps(List<CoreSegment> segments)
    {
        segments.Sort((left, right) => left.Offset.CompareTo(right.Offset));
        RefuseOverlaps(
            segments, "file offset", segment => (ulong)segment.Offset, segment => (ulong)segment.Bytes);
        segments.Sort((left, right) => left.Address.CompareTo(right.Address));
        RefuseOverlaps(segments, "address", segment => segment.Address, segment => segment.MemoryBytes);
    }

    private static void RefuseOverlaps(
        List<CoreSegment> sorted, string what, Func<CoreSegment, ulong> start, Func<CoreSegment, ulong> bytes)
    {
        for (int i = 1; i < sorted.Count; i++)
        {
            ulong end = start(sorted[i - 1]) + bytes(sorted[i - 1]);
            if (start(sorted[i]) < end)
            {
                throw new TargetException(
                    $"has overlapping segments: the one at {what} {start(sorted[i]):x} begins before the one at "
                    + $"{start(sorted[i - 1]):x} ends, so pages would count twice. "
                    + "Of a machine, dump physical memory without paging; of a process, make the dump anew.");
            }
        }
    }

    /// <summary>A program header as it stands in the file.</summary>
    private readonly record struct Entry(
        uint Type, ulong Offset, ulong Virtual, ulong Physical, ulong FileBytes, ulong MemoryBytes)
    {
        public static Entry Read(ReadOnlySpan<byte> header) => new(
            BinaryPrimitives.ReadUInt32LittleEndian(header),
            BinaryPrimitives.ReadUInt64LittleEndian(header[8..]),
            BinaryPrimitives.ReadUInt64LittleEndian(header[16..]),
            BinaryPrimitives.ReadUInt64LittleEndian(header[24..]),
            BinaryPrimitives.ReadUInt64LittleEndian(header[32..]),
            BinaryPrimitives.ReadUInt64LittleEndian(header[40..]));
    }
}

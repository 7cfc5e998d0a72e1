using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;

namespace PageShare.Cli.Scan.Targets;

/// <summary>
/// The head of an ELF file, as far as core dumps need it (System V ABI, chapter 4 and 5; Linux <c>elf(5)</c>).
/// </summary>
/// <param name="TableOffset">Where the program headers begin.</param>
/// <param name="Count">How many there are.</param>
internal readonly record struct ElfHeader(long TableOffset, int Count)
{
    /// <summary>Bytes of a program header.</summary>
    public const int EntryBytes = 56;

    private const int HeaderBytes = 64;
    private const int SectionBytes = 64;
    private const int Class64 = 2;
    private const int LittleEndian = 1;
    private const int CoreType = 4;

    // So many that the count did not fit, and stands in the first section header.
    private const int ExtendedCount = 0xFFFF;

    // A process may raise its limit of mappings; this is sixteen times what distributions set.
    private const int MostEntries = 1 << 24;

    private static ReadOnlySpan<byte> Magic => [0x7F, (byte)'E', (byte)'L', (byte)'F'];

    /// <summary>Whether a file begins as ELF files do; false too if it can't be read.</summary>
    public static bool IsAtStartOf(string path)
    {
        try
        {
            if (TargetName.LengthOf(path) < Magic.Length)
            {
                return false;
            }

            using SafeFileHandle file = File.OpenHandle(path, share: FileShare.ReadWrite | FileShare.Delete);
            Span<byte> start = stackalloc byte[4];
            return RandomAccess.Read(file, start, 0) == start.Length && start.SequenceEqual(Magic);
        }
        catch (Exception failed) when (failed is TargetException or IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>Reads the head of a core dump.</summary>
    /// <exception cref="TargetException">It is none that we can read.</exception>
    public static ElfHeader Read(SafeFileHandle file, long length)
    {
        Span<byte> header = stackalloc byte[HeaderBytes];
        if (length < HeaderBytes || RandomAccess.Read(file, header, 0) < HeaderBytes)
        {
            throw new TargetException("ends within its ELF header: it is cut off. Make the dump anew.");
        }

        if (header[4] != Class64 || header[5] != LittleEndian)
        {
            throw new TargetException(
                "is an ELF file of 32 bits or big-endian: only 64-bit little-endian dumps can be read.");
        }

        int type = BinaryPrimitives.ReadUInt16LittleEndian(header[16..]);
        if (type != CoreType)
        {
            throw new TargetException(
                $"is an ELF file of type {type} and no core dump (type {CoreType}). Programs are scanned by naming "
                + "their folder.");
        }

        ulong offset = BinaryPrimitives.ReadUInt64LittleEndian(header[32..]);
        int entryBytes = BinaryPrimitives.ReadUInt16LittleEndian(header[54..]);
        long count = BinaryPrimitives.ReadUInt16LittleEndian(header[56..]);
        if (count == ExtendedCount)
        {
            count = ReadExtendedCount(file, BinaryPrimitives.ReadUInt64LittleEndian(header[40..]), length);
        }

        if (entryBytes != EntryBytes || count > MostEntries || offset > (ulong)length
            || count * EntryBytes > length - (long)offset)
        {
            throw new TargetException(
                $"has a damaged ELF header: {count:N0} program headers of {entryBytes} bytes at offset {offset:N0} "
                + $"do not fit into its {length:N0} bytes. It is cut off or no dump: make it anew.");
        }

        return new ElfHeader((long)offset, (int)count);
    }

    private static long ReadExtendedCount(SafeFileHandle file, ulong sections, long length)
    {
        Span<byte> first = stackalloc byte[SectionBytes];
        if (sections > (ulong)(length - SectionBytes) || RandomAccess.Read(file, first, (long)sections) < SectionBytes)
        {
            throw new TargetException(
                "has more than 65,534 segments and lacks the section that counts them: it is damaged.");
        }

        return BinaryPrimitives.ReadUInt32LittleEndian(first[44..]);
    }
}

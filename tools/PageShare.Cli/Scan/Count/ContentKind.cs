using System.Runtime.InteropServices;

namespace PageShare.Cli.Scan.Count;

/// <summary>What a page looks like, as far as its bytes tell at a glance.</summary>
internal enum ContentKind : byte
{
    /// <summary>Nothing that we know.</summary>
    Binary = 0,

    /// <summary>All bytes are zero.</summary>
    Zero,

    /// <summary>All bytes are the same.</summary>
    Fill,

    /// <summary>The same eight bytes over and over.</summary>
    Pattern,

    /// <summary>Printable ASCII and line ends, perhaps zeroes behind them.</summary>
    Text,

    /// <summary>Begins as an ELF file: the first page of a program or library.</summary>
    Elf,
}

/// <summary>Finds the kind of a page.</summary>
internal static class ContentKinds
{
    private const uint ElfMagic = 0x464C457F;
    private const int GlanceBytes = 32;

    private static readonly System.Buffers.SearchValues<byte> Printable =
        System.Buffers.SearchValues.Create([.. Enumerable.Range(' ', '~' - ' ' + 1).Select(c => (byte)c), 9, 10, 13]);

    /// <summary>The kind of a page that is not all zero. Nearly every page is told after its first few bytes.</summary>
    public static ContentKind Of(ReadOnlySpan<byte> page)
    {
        ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(page);
        ulong first = words[0];
        if (words[1] == first && words[^1] == first && !words.ContainsAnyExcept(first))
        {
            return page[1..].ContainsAnyExcept(page[0]) ? ContentKind.Pattern : ContentKind.Fill;
        }

        if ((uint)first == ElfMagic)
        {
            return ContentKind.Elf;
        }

        if (page[..GlanceBytes].ContainsAnyExcept(Printable))
        {
            return ContentKind.Binary;
        }

        int end = page.IndexOfAnyExcept(Printable);
        return end < 0 || !page[end..].ContainsAnyExcept((byte)0) ? ContentKind.Text : ContentKind.Binary;
    }
}

using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace PageShare.TestKit;

/// <summary>What a page of 4096 bytes holds, in one number: tests write it, remember it, and check every byte of
/// it.</summary>
/// <remarks>Equal numbers are equal pages, different numbers different pages.</remarks>
/// <param name="Id">
/// 0: all zero. Below 0: filled with the byte −Id, −1 to −255. Above 0: pseudo-random, unique.
/// </param>
public readonly record struct PageContent(long Id)
{
    /// <summary>Bytes of a page.</summary>
    public const int Bytes = 4096;

    /// <summary>The page that is all zero.</summary>
    public static PageContent Zero => default;

    /// <summary>A page that repeats one byte; a letter, say.</summary>
    public static PageContent Of(char letter) => new(-(byte)letter);

    /// <summary>A page of its own for each number above 0.</summary>
    public static PageContent Unique(long number) => new(number);

    /// <summary>Writes the content to a page.</summary>
    public void WriteTo(Span<byte> page)
    {
        if (Id <= 0)
        {
            page.Fill((byte)-Id);
            return;
        }

        var words = MemoryMarshal.Cast<byte, ulong>(page);
        for (var i = 0; i < words.Length; i++)
        {
            words[i] = WordAt(i);
        }
    }

    /// <summary>Whether a page has this content, byte for byte.</summary>
    public bool IsIn(ReadOnlySpan<byte> page)
    {
        if (Id <= 0)
        {
            return !page.ContainsAnyExcept((byte)-Id);
        }

        var words = MemoryMarshal.Cast<byte, ulong>(page);
        for (var i = 0; i < words.Length; i++)
        {
            if (words[i] != WordAt(i))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Says what a page holds instead: for messages.</summary>
    public static string Describe(ReadOnlySpan<byte> page) =>
        page.ContainsAnyExcept(page[0])
            ? $"page that begins 0x{BinaryPrimitives.ReadUInt64BigEndian(page):x16}"
            : $"page of 0x{page[0]:x2}";

    // The first word is the number itself, which makes contents differ for certain. The rest is SplitMix64 (Steele,
    // Lea, Flood: "Fast Splittable Pseudorandom Number Generators", 2014).
    private ulong WordAt(int index)
    {
        if (index == 0)
        {
            return (ulong)Id;
        }

        var z = ((ulong)Id * 0x9E37_79B9_7F4A_7C15) + ((ulong)index * 0xD1B5_4A32_D192_ED03);
        z = (z ^ (z >> 30)) * 0xBF58_476D_1CE4_E5B9;
        z = (z ^ (z >> 27)) * 0x94D0_49BB_1331_11EB;
        return z ^ (z >> 31);
    }
}

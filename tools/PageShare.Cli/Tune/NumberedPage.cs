using System.Runtime.InteropServices;

namespace PageShare.Cli.Tune;

/// <summary>Bytes for a content of which only the number is known: other numbers, other bytes; 0 is zeroes.</summary>
internal static class NumberedPage
{
    private const ulong Step = 0x9E3779B97F4A7C15;

    /// <summary>Fills a page.</summary>
    public static void Fill(Span<byte> page, ulong number)
    {
        Span<ulong> words = MemoryMarshal.Cast<byte, ulong>(page);
        if (number == 0)
        {
            words.Clear();
            return;
        }

        for (int i = 0; i < words.Length; i++)
        {
            words[i] = number += Step;
        }
    }
}

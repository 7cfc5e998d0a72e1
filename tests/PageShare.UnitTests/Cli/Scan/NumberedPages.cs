using System.Buffers.Binary;
using System.Runtime.InteropServices;
using PageShare.Cli.Scan.Targets;

namespace PageShare.UnitTests.Cli.Scan;

/// <summary>
/// A target of pages made on the spot: page <c>i</c> is full of number <c>i</c> of a list, 0 is zeroes.
/// </summary>
internal sealed class NumberedPages(string name, params int[] numbers) : ScanTarget(name)
{
    public const int PageBytes = 4096;

    /// <summary>In the list of numbers: a page that is not present.</summary>
    public const int Absent = -1;

    /// <summary>In the list of numbers: no page, but the start of a region.</summary>
    public const int Region = -2;

    public override string Kind => "numbers";

    /// <summary>Called before a range is read, with its first page.</summary>
    public Action<long>? BeforeRead { get; init; }

    public override long EstimatePages() => numbers.Length;

    public override IEnumerable<PageRange> Ranges()
    {
        bool starts = true;
        int absent = 0;
        for (int first = 0; first < numbers.Length;)
        {
            int end = first;
            while (end < numbers.Length && numbers[end] >= 0)
            {
                end++;
            }

            if (end > first)
            {
                yield return PageRange.Whole((long)first * PageBytes, end - first) with
                {
                    StartsRegion = starts,
                    AbsentBefore = absent,
                };
                starts = false;
                absent = 0;
            }

            bool endsRegion = end < numbers.Length && numbers[end] == Region;
            absent += end < numbers.Length && !endsRegion ? 1 : 0;
            if (absent > 0 && (endsRegion || end + 1 >= numbers.Length))
            {
                yield return PageRange.Whole(0, 0) with { StartsRegion = starts, AbsentBefore = absent };
                absent = 0;
                starts = false;
            }

            starts |= endsRegion;
            end++;
            first = end;
        }
    }

    public override ulong Read(in PageRange range, Span<byte> buffer)
    {
        BeforeRead?.Invoke(range.Offset / PageBytes);
        for (int i = 0; i < range.Pages; i++)
        {
            Fill(buffer.Slice(i * PageBytes, PageBytes), numbers[(range.Offset / PageBytes) + i]);
        }

        return 0;
    }

    public static void Fill(Span<byte> page, int number)
    {
        // Not the same word over and over: that would be a pattern.
        Span<ulong> words = MemoryMarshal.Cast<byte, ulong>(page);
        for (int i = 0; i < words.Length; i++)
        {
            words[i] = number == 0 ? 0 : ((ulong)number << 32) | (uint)i;
        }

        if (number != 0)
        {
            BinaryPrimitives.WriteInt32BigEndian(page, number);
        }
    }
}

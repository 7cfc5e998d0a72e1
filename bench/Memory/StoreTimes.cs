using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace PageShare.Bench.Memory;

/// <summary>How long single stores took, as the guest sees it.</summary>
/// <param name="P50Nanoseconds">Half were no slower.</param>
/// <param name="P99Nanoseconds">99 % were no slower.</param>
internal sealed record StoreTimes(long P50Nanoseconds, long P99Nanoseconds)
{
    /// <summary>Times one store to each of the pages; the content stays what it was. Reading the clock is in it, some
    /// 50 ns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static unsafe StoreTimes Measure(byte*[] pages)
    {
        var ticks = new long[pages.Length];
        for (var i = 0; i < pages.Length; i++)
        {
            var began = Stopwatch.GetTimestamp();
            Volatile.Write(ref pages[i][PageFiller.MarkOffset], PageFiller.Mark);
            ticks[i] = Stopwatch.GetTimestamp() - began;
        }

        Array.Sort(ticks);
        return new StoreTimes(Nanoseconds(ticks[ticks.Length / 2]), Nanoseconds(ticks[ticks.Length * 99 / 100]));
    }

    private static long Nanoseconds(long ticks) => (long)(ticks * (1e9 / Stopwatch.Frequency));
}

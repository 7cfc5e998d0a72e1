using System.Diagnostics;
using System.Runtime.CompilerServices;
using PageShare.Platform;
using PageShare.Workloads.Reporting;

namespace PageShare.Workloads.Cow;

/// <summary>Threads that store once to each of some pages, and time each store.</summary>
internal static unsafe class BreakingWriters
{
    /// <summary>Breaks all pages.</summary>
    /// <param name="pages">In which order; each writer takes a part of it, in one piece. The caller keeps their memory
    /// until this returns.</param>
    /// <param name="writers">How many.</param>
    public static CowFigures Measure(byte*[] pages, int writers)
    {
        var ticks = new long[pages.Length];
        var cpu = new long[writers];
        var ends = new long[writers];
        using var start = new Barrier(writers + 1);
        var threads = new Thread[writers];
        for (var writer = 0; writer < writers; writer++)
        {
            var number = writer;
            var (from, to) = (pages.Length * number / writers, pages.Length * (number + 1) / writers);
            threads[writer] = new Thread(() =>
            {
                start.SignalAndWait();
                var before = Shim.ThreadCpuNanoseconds();
                Store(pages, ticks, from, to);
                ends[number] = Stopwatch.GetTimestamp();
                cpu[number] = Shim.ThreadCpuNanoseconds() - before;
            })
            { IsBackground = true };
            threads[writer].Start();
        }

        start.SignalAndWait();
        var began = Stopwatch.GetTimestamp();
        Array.ForEach(threads, static thread => thread.Join());
        Array.Sort(ticks);
        return new CowFigures(
            pages.Length * (double)Stopwatch.Frequency / (ends.Max() - began),
            (double)cpu.Sum() / pages.Length,
            Nanoseconds(Percentile.Of(ticks, 50)),
            Nanoseconds(Percentile.Of(ticks, 99)));
    }

    /// <summary>The content stays what it was. Reading the clock is in the times, some 50 ns.</summary>
    // SAFETY: the caller of Measure answers for the pages.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Store(byte*[] pages, long[] ticks, int from, int to)
    {
        for (var i = from; i < to; i++)
        {
            var began = Stopwatch.GetTimestamp();
            Volatile.Write(ref pages[i][PageFiller.MarkOffset], PageFiller.Mark);
            ticks[i] = Stopwatch.GetTimestamp() - began;
        }
    }

    private static long Nanoseconds(long ticks) => (long)(ticks * (1e9 / Stopwatch.Frequency));
}

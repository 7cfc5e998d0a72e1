using System.Diagnostics;
using System.Runtime.CompilerServices;
using PageShare.Memory;
using PageShare.Platform;

namespace PageShare.Workloads.Pacing;

/// <summary>What threads got done in guests' memory.</summary>
/// <param name="Steps">Four pages read and one written.</param>
/// <param name="Elapsed">By the clock.</param>
/// <param name="CpuTime">Of these threads.</param>
internal readonly record struct WorkDone(long Steps, TimeSpan Elapsed, TimeSpan CpuTime)
{
    /// <summary>Steps by the clock.</summary>
    public double PerSecond => Steps / Elapsed.TotalSeconds;

    /// <summary>Steps by what the threads themselves took.</summary>
    public double PerCpuSecond => Steps / CpuTime.TotalSeconds;
}

/// <summary>
/// Threads that read guests' memory all over and write in a tenth of its pages, as many as there are cores and without
/// a rest.
/// </summary>
/// <param name="guests">Whose memory; they must live as long.</param>
/// <param name="seed">Of places. Each run goes on with other ones.</param>
internal sealed unsafe class BusyGuests(IReadOnlyList<MappedGuest> guests, ulong seed)
{
    private const int ReadsPerStep = 4;
    private const int StepsBetweenLooks = 64;

    // Of each eighty neighbours eight are written.
    private const int HotRun = 8;
    private const int HotPart = 10;

    private ulong _runs;

    /// <summary>Works for so long.</summary>
    public WorkDone Run(TimeSpan time)
    {
        var threads = new Thread[Environment.ProcessorCount];
        var (steps, cpu) = (new long[threads.Length], new long[threads.Length]);
        using var start = new Barrier(threads.Length + 1);
        var clock = new Stopwatch();
        _runs++;
        for (var i = 0; i < threads.Length; i++)
        {
            var number = i;
            var random = new SeededRandom(SeededRandom.Mix(seed, _runs, (ulong)number));
            threads[i] = new Thread(() =>
            {
                start.SignalAndWait();
                var before = Shim.ThreadCpuNanoseconds();
                steps[number] = Work(guests[number % guests.Count], random, clock, time);
                cpu[number] = Shim.ThreadCpuNanoseconds() - before;
            })
            { IsBackground = true };
            threads[i].Start();
        }

        clock.Start();
        start.SignalAndWait();
        Array.ForEach(threads, static thread => thread.Join());
        return new WorkDone(steps.Sum(), clock.Elapsed, TimeSpan.FromMicroseconds(cpu.Sum() / 1000));
    }

    // SAFETY: the pages are the guest's, which lives as long as this.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static long Work(MappedGuest guest, SeededRandom random, Stopwatch clock, TimeSpan time)
    {
        var pages = guest.Length / PageSize.Bytes;
        long steps = 0;
        var sum = 0UL;
        while (clock.Elapsed < time)
        {
            for (var i = 0; i < StepsBetweenLooks; i++, steps++)
            {
                for (var read = 0; read < ReadsPerStep; read++)
                {
                    var words = new ReadOnlySpan<ulong>(
                        guest.Pointer + (random.Below(pages) * PageSize.Bytes), PageSize.Bytes / sizeof(ulong));
                    foreach (var word in words)
                    {
                        sum += word;
                    }
                }

                var written = (random.Below(pages / (HotRun * HotPart)) * HotRun * HotPart) + random.Below(HotRun);
                Volatile.Write(ref *(ulong*)(guest.Pointer + (written * PageSize.Bytes)), sum);
            }
        }

        return steps;
    }
}

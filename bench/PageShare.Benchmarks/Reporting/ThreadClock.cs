using PageShare.Platform;
using Perfolizer.Horology;

namespace PageShare.Benchmarks.Reporting;

/// <summary>Counts the processor time of the calling thread, system calls and faults included.</summary>
/// <remarks>
/// Every benchmark here works on one thread and never waits, so on a machine of one's own this is the time on the clock
/// on the wall; on a shared one the wall clock measures the neighbours.
/// </remarks>
internal sealed class ThreadClock : IClock
{
    public string Title => "thread CPU time";

    public bool IsAvailable => true;

    public Frequency Frequency => Frequency.FromGHz(1);

    public long GetTimestamp() => Shim.ThreadCpuNanoseconds();
}

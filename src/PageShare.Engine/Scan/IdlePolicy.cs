using PageShare.Platform;

namespace PageShare.Scan;

/// <summary>
/// Decides from successive load samples whether the machine is idle enough to scan at full rate.
/// </summary>
/// <remarks>
/// Two tests, both of which must pass: the share of CPU time that is idle, and the pressure on CPUs. The scanner's own
/// CPU time counts as idle, or it would chase itself away: on two cores, a scanner at half a core looks like a quarter
/// of the machine. Each test has two thresholds, so that a load around one of them does not switch the scanner on and
/// off with every sample. Memory pressure is no reason to stop, since sharing is its remedy and the scanner skips
/// what is not resident.
/// One thread calls <see cref="Observe"/>; the properties may be read by any thread and are then one sample late at
/// worst.
/// </remarks>
internal sealed class IdlePolicy
{
    /// <summary>How often a sample is worth taking: /proc/stat counts in steps of 10 ms.</summary>
    public static readonly TimeSpan SampleInterval = TimeSpan.FromMilliseconds(500);

    // Under this much CPU time between two samples, steps of 10 ms make the percentage noise: wait for more.
    private static readonly TimeSpan ShortestSample = TimeSpan.FromMilliseconds(200);

    private const double HysteresisPercent = 5;

    private readonly double _becomesIdlePercent;
    private readonly double _becomesBusyPercent;
    private readonly double _pressureStopsPercent;
    private readonly double _pressureResumesPercent;

    private MachineLoad? _base;
    private TimeSpan _baseScannerCpu;
    private bool _idle;
    private bool _pressed;

    /// <param name="idleThresholdPercent">Of all CPU time, 0 to 100; 0: any load is idle.</param>
    /// <param name="pressureLimitPercent">Of time in which tasks waited for a CPU, above 0.</param>
    public IdlePolicy(double idleThresholdPercent, double pressureLimitPercent)
    {
        // The margin shrinks towards both ends: a threshold of 0 must always pass, one of 100 must be reachable.
        var margin = Math.Min(HysteresisPercent, Math.Min(idleThresholdPercent, 100 - idleThresholdPercent) / 2);
        _becomesBusyPercent = idleThresholdPercent;
        _becomesIdlePercent = idleThresholdPercent + margin;
        _pressureStopsPercent = pressureLimitPercent;
        _pressureResumesPercent = pressureLimitPercent / 2;
    }

    /// <summary>
    /// Whether to scan at full rate. False until two samples are there: in doubt the machine is busy.
    /// </summary>
    public bool MayScan { get; private set; }

    /// <summary>
    /// Percentage of CPU time that was idle or the scanner's own between the last two samples; null before there are
    /// two.
    /// </summary>
    public double? IdlePercent { get; private set; }

    /// <summary>Takes a sample in and decides again.</summary>
    /// <param name="load">The sample; null if the system does not tell, which counts as busy.</param>
    /// <param name="scannerCpu">CPU time that the scanner's threads have used since they started.</param>
    /// <returns><see cref="MayScan"/>.</returns>
    public bool Observe(MachineLoad? load, TimeSpan scannerCpu)
    {
        if (load is not { } sample)
        {
            _base = null;
            _idle = false;
            IdlePercent = null;
            return MayScan = false;
        }

        ObservePressure(sample.CpuPressurePercent);
        ObserveIdleTime(sample, scannerCpu);
        return MayScan = _idle && !_pressed;
    }

    private void ObservePressure(double? percent)
    {
        _pressed = percent is { } pressure
            && (_pressed ? pressure > _pressureResumesPercent : pressure >= _pressureStopsPercent);
    }

    private void ObserveIdleTime(MachineLoad sample, TimeSpan scannerCpu)
    {
        if (_base is not { } last)
        {
            SetBase(sample, scannerCpu);
            return;
        }

        var idle = sample.Idle - last.Idle;
        var busy = sample.Busy - last.Busy;
        if (idle < TimeSpan.Zero || busy < TimeSpan.Zero)
        {
            // The kernel's counters step back when a core goes offline, and iowait does so now and then. The difference
            // means nothing, so the old decision stands until there is one that does.
            SetBase(sample, scannerCpu);
            return;
        }

        var total = idle + busy;
        if (total < ShortestSample)
        {
            return;
        }

        // Clamped, since the two clocks are not the same: the scanner's is exact, the kernel's charges whole ticks.
        var own = TimeSpan.FromTicks(Math.Clamp((scannerCpu - _baseScannerCpu).Ticks, 0, busy.Ticks));
        var idlePercent = 100 * ((idle + own) / total);
        _idle = idlePercent >= (_idle ? _becomesBusyPercent : _becomesIdlePercent);
        IdlePercent = idlePercent;
        SetBase(sample, scannerCpu);
    }

    private void SetBase(MachineLoad sample, TimeSpan scannerCpu)
    {
        _base = sample;
        _baseScannerCpu = scannerCpu;
    }
}

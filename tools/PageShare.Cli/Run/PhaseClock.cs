namespace PageShare.Cli.Run;

/// <summary>CPU seconds of this process, user and system, by phase of the run (getrusage).</summary>
internal sealed class PhaseClock
{
    private TimeSpan _before = Environment.CpuUsage.TotalTime;

    /// <summary>CPU seconds since the last call, or since the start.</summary>
    public double Lap()
    {
        TimeSpan now = Environment.CpuUsage.TotalTime;
        double seconds = (now - _before).TotalSeconds;
        _before = now;
        return seconds;
    }
}

/// <summary>CPU seconds that each phase took, all threads and processes of the run together.</summary>
internal readonly record struct PhaseSeconds(double Load, double Share, double Verify);

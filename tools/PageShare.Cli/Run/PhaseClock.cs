namespace PageShare.Cli.Run;

/// <summary>CPU seconds by phase of the run, user and system.</summary>
/// <param name="read">CPU seconds of all processes of the run so far.</param>
internal sealed class PhaseClock(Func<double> read)
{
    private double _before;

    /// <summary>CPU seconds since the last call, or since the start.</summary>
    public double Lap()
    {
        double now = read();
        double seconds = Math.Max(0, now - _before);
        _before = now;
        return seconds;
    }
}

/// <summary>CPU seconds that each phase took, all threads and processes of the run together.</summary>
internal readonly record struct PhaseSeconds(double Load, double Share, double Verify);

namespace PageShare.Cli.Tune.Simulation;

/// <summary>A clock that moves only when it is told to, so that an hour takes as long as what happens in it.</summary>
internal sealed class VirtualClock : TimeProvider
{
    private long _ticks;

    /// <inheritdoc/>
    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <summary>Time since the start.</summary>
    public TimeSpan Elapsed => new(_ticks);

    /// <inheritdoc/>
    public override long GetTimestamp() => _ticks;

    /// <summary>Moves on.</summary>
    public void Advance(TimeSpan by) => _ticks += by.Ticks;
}

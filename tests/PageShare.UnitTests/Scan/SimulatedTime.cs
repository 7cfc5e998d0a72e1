namespace PageShare.UnitTests.Scan;

/// <summary>A clock that moves only when a test says so, in steps of 100 ns.</summary>
internal sealed class SimulatedTime : TimeProvider
{
    private long _ticks;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public TimeSpan Elapsed => new(_ticks);

    public override long GetTimestamp() => _ticks;

    public void Advance(TimeSpan by) => _ticks += by.Ticks;
}

namespace PageShare.CrashProbe;

/// <summary>
/// The system's clock, which may be put forward: what is due in a minute is due at once. Thread-safe.
/// </summary>
internal sealed class LeapingTime : TimeProvider
{
    private long _ahead;

    public override long GetTimestamp() => base.GetTimestamp() + Interlocked.Read(ref _ahead);

    public void Leap(TimeSpan time) => Interlocked.Add(ref _ahead, (long)(time.TotalSeconds * TimestampFrequency));
}

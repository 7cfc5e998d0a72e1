namespace PageShare.Metrics;

/// <summary>How fast a counter grows, over about the last five seconds.</summary>
/// <remarks>Not thread-safe: guarded by the engine's lock.</remarks>
internal sealed class RateMeter(TimeProvider time)
{
    private static readonly TimeSpan Spacing = TimeSpan.FromMilliseconds(500);

    // A ring of samples, Spacing apart at least.
    private readonly (long Timestamp, long Value)[] _samples = new (long, long)[10];
    private int _count;
    private int _next;

    /// <summary>Growth a second; 0 until there are two samples.</summary>
    public double PerSecond { get; private set; }

    /// <summary>Takes the counter's value now. May be called as often as one likes.</summary>
    public void Observe(long value)
    {
        var now = time.GetTimestamp();
        var newest = _samples[(_next + _samples.Length - 1) % _samples.Length];
        if (_count > 0 && time.GetElapsedTime(newest.Timestamp, now) < Spacing)
        {
            return;
        }

        if (_count > 0)
        {
            var oldest = _samples[_count < _samples.Length ? 0 : _next];
            PerSecond = (value - oldest.Value) / time.GetElapsedTime(oldest.Timestamp, now).TotalSeconds;
        }

        _samples[_next] = (now, value);
        _next = (_next + 1) % _samples.Length;
        _count = Math.Min(_count + 1, _samples.Length);
    }
}

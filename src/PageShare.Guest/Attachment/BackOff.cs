namespace PageShare.Attachment;

/// <summary>Waits that double from a shortest to a longest one. Not thread-safe.</summary>
internal sealed class BackOff
{
    private readonly TimeSpan _shortest;
    private readonly TimeSpan _longest;
    private TimeSpan _next;

    public BackOff(TimeSpan shortest, TimeSpan longest)
    {
        _shortest = shortest;
        _longest = longest;
        _next = shortest;
    }

    /// <summary>The next wait, shortened by up to half at random: guests whose host has died would else all come back
    /// at the same moment, again and again.</summary>
    public TimeSpan Next()
    {
        var wait = _next;
        _next = wait * 2 < _longest ? wait * 2 : _longest;
        return wait * (1 - (Random.Shared.NextDouble() / 2));
    }

    /// <summary>Starts again with the shortest.</summary>
    public void Reset() => _next = _shortest;
}

namespace PageShare.Cli.Run;

/// <summary>Turns a rate into numbers of pages that are due now, however irregularly it is asked.</summary>
/// <remarks>What a slow machine could not do within a second is forgotten: a backlog would come as one endless
/// burst.</remarks>
internal sealed class WorkPace(double pagesPerSecond)
{
    // At least two pages: with less, a slow rate would be forgotten before it comes to a whole page.
    private readonly double _longestBacklog = Math.Max(pagesPerSecond, 2);

    private double _granted;

    /// <summary>Pages due by now and not granted before.</summary>
    /// <param name="elapsed">Time since the start; never less than the last time.</param>
    public int Due(TimeSpan elapsed)
    {
        double total = pagesPerSecond * elapsed.TotalSeconds;
        _granted = Math.Max(_granted, total - _longestBacklog);
        int due = (int)Math.Min(total - _granted, int.MaxValue);
        _granted += due;
        return due;
    }
}

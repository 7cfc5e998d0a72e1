namespace PageShare.Cli.Scan.Layout;

/// <summary>Neighbouring pages of a target whose frames are neighbours too: one mapping shows them.</summary>
/// <param name="Position">First page, counted over the target; a gap lies between regions.</param>
/// <param name="Frame">First frame.</param>
/// <param name="Length">Pages.</param>
/// <param name="StartsRegion">Whether nothing of its region lies before it.</param>
/// <param name="EndsRegion">Whether nothing of its region lies behind it.</param>
internal readonly record struct SharedRun(long Position, int Frame, int Length, bool StartsRegion, bool EndsRegion)
{
    /// <summary>The page behind it.</summary>
    public long End => Position + Length;
}

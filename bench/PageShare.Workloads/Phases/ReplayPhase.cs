namespace PageShare.Workloads.Phases;

/// <summary>A stretch of the replay.</summary>
/// <param name="Name">What guests do.</param>
/// <param name="IsWriting">Whether they write.</param>
/// <param name="FromSeconds">When it began.</param>
/// <param name="ToSeconds">When it ended.</param>
/// <param name="PagesWritten">Pages written in it.</param>
internal sealed record ReplayPhase(
    string Name, bool IsWriting, double FromSeconds, double ToSeconds, long PagesWritten)
{
    /// <summary>Whether a moment lies in it.</summary>
    public bool Contains(double seconds) => seconds >= FromSeconds && seconds <= ToSeconds;

    /// <summary>Pages a second.</summary>
    public double WriteRate => ToSeconds > FromSeconds ? PagesWritten / (ToSeconds - FromSeconds) : 0;
}

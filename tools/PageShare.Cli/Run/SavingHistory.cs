namespace PageShare.Cli.Run;

/// <summary>What a run saved over time, in few points however long it goes on.</summary>
/// <remarks>One thread adds; whoever reads waits for its end.</remarks>
internal sealed class SavingHistory
{
    private const int MostPoints = 1000;

    private readonly List<SavingPoint> _points = [];
    private int _every = 1;
    private int _seen;

    /// <summary>The points, by time.</summary>
    public IReadOnlyList<SavingPoint> Points => _points;

    /// <summary>Adds a moment.</summary>
    public void Add(LiveFigures figures)
    {
        if (_seen++ % _every != 0)
        {
            return;
        }

        _points.Add(new SavingPoint(
            figures.Elapsed.TotalSeconds, figures.Snapshot.Totals.SavedBytes, figures.Snapshot.Totals.CowFaults));
        if (_points.Count == MostPoints)
        {
            // Every second one is enough from now on.
            SavingPoint[] kept = [.. _points.Where((_, i) => i % 2 == 0)];
            _points.Clear();
            _points.AddRange(kept);
            _every *= 2;
        }
    }
}

/// <summary>One moment of a run.</summary>
/// <param name="Seconds">Of the share phase.</param>
/// <param name="SavedBytes">Saved then.</param>
/// <param name="Breaks">Stores to shared pages so far.</param>
internal readonly record struct SavingPoint(double Seconds, long SavedBytes, long Breaks);

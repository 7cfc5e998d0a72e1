namespace PageShare.Cli.Run;

/// <summary>A plain line every few seconds, for logs and pipes.</summary>
/// <param name="output">Where to.</param>
/// <param name="interval">How often; null: only notes.</param>
internal sealed class ProgressLines(TextWriter output, TimeSpan? interval) : RunView
{
    private readonly TextWriter _output = TextWriter.Synchronized(output);

    /// <summary>Often enough to see that it goes on, seldom enough for a log.</summary>
    public static TimeSpan UsualInterval { get; } = TimeSpan.FromSeconds(5);

    /// <summary>One moment as one line.</summary>
    public static string Format(LiveFigures figures)
    {
        var totals = figures.Snapshot.Totals;
        string kernel = figures.Kernel is KernelFigure figure ? $", kernel's {Quantity.Bytes(figure.ResidentBytes)}" : "";
        return $"{figures.Elapsed.TotalSeconds,5:0} s: "
            + $"saved {Quantity.Bytes(totals.SavedBytes)} (net {Quantity.Bytes(totals.NetSavedBytes)}), "
            + $"resident {Quantity.Bytes(totals.ResidentBytes)}{kernel}; "
            + $"{totals.FullScans} passes, {Quantity.Count(totals.ScanPagesPerSecond)} pages/s, "
            + $"scanner CPU {Quantity.Seconds(totals.ScanCpuSeconds)}; "
            + $"breaks {Quantity.Count(totals.CowFaultsPerSecond)}/s";
    }

    /// <inheritdoc/>
    public override void Note(string line) => _output.WriteLine(line);

    /// <inheritdoc/>
    protected override void Follow(LiveFigures first, Func<LiveFigures?> next)
    {
        TimeSpan shown = first.Elapsed;
        while (next() is LiveFigures figures)
        {
            if (figures.Elapsed - shown >= interval)
            {
                Note(Format(figures));
                shown = figures.Elapsed;
            }
        }
    }
}

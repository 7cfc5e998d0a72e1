namespace PageShare.Cli.Run;

/// <summary>What a person sees while a run goes on, all of it on standard error.</summary>
internal abstract class RunView : IDisposable
{
    /// <summary>The view that fits: a live table at a terminal, lines elsewhere, fewer of them beside JSON.</summary>
    public static RunView Create(RunOptions options) => LiveTable.TryCreate()
        ?? (RunView)new ProgressLines(Console.Error, options.Json ? null : ProgressLines.UsualInterval);

    /// <summary>Shows a line of text. Any thread.</summary>
    public abstract void Note(string line);

    /// <summary>Begins to show figures, which are taken now and then by a thread of the view.</summary>
    public abstract void Watch(Func<LiveFigures> take);

    /// <summary>Ends it; when this returns, no more figures are taken.</summary>
    public abstract void Unwatch();

    /// <inheritdoc/>
    public void Dispose()
    {
        Unwatch();
        GC.SuppressFinalize(this);
    }
}

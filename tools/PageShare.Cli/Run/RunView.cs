namespace PageShare.Cli.Run;

/// <summary>What a person sees while a run goes on, all of it on standard error.</summary>
internal abstract class RunView : IDisposable
{
    // As often as the engine takes samples for its rates, so that they are there at the end even if nobody watches.
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    private readonly ManualResetEvent _stop = new(initialState: false);
    private Thread? _follower;

    /// <summary>What was saved while figures were shown.</summary>
    public SavingHistory History { get; } = new();

    /// <summary>Whether figures are being shown.</summary>
    protected bool IsWatching => _follower is not null;

    /// <summary>The view that fits: a live table at a terminal, lines elsewhere, fewer of them beside JSON.</summary>
    public static RunView Create(RunOptions options) => LiveTable.TryCreate()
        ?? (RunView)new ProgressLines(Console.Error, options.Json ? null : ProgressLines.UsualInterval);

    /// <summary>Shows a line of text. Any thread.</summary>
    public abstract void Note(string line);

    /// <summary>Begins to show figures, which a thread of the view takes.</summary>
    public void Watch(Func<LiveFigures> take)
    {
        _stop.Reset();
        _follower = new Thread(() => Follow(Take(), () => _stop.WaitOne(Interval) ? null : Take()))
        {
            Name = "view",
            IsBackground = true,
        };
        _follower.Start();

        LiveFigures Take()
        {
            LiveFigures figures = take();
            History.Add(figures);
            return figures;
        }
    }

    /// <summary>Ends it; when this returns, no more figures are taken.</summary>
    public void Unwatch()
    {
        _stop.Set();
        _follower?.Join();
        _follower = null;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Unwatch();
        _stop.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Shows the first figures and all that follow.</summary>
    /// <param name="first">Taken at the start.</param>
    /// <param name="next">Waits a moment and takes figures again; null at the end.</param>
    protected abstract void Follow(LiveFigures first, Func<LiveFigures?> next);
}

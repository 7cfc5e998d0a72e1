using System.Diagnostics;
using PageShare.Cli.Scan.Count;
using Spectre.Console;

namespace PageShare.Cli.Scan.Report;

/// <summary>
/// Shows on standard error how far a scan has come: a bar at a terminal, a line now and then elsewhere.
/// </summary>
internal sealed class ScanProgress : IDisposable
{
    private static readonly TimeSpan BarInterval = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LineInterval = TimeSpan.FromSeconds(5);

    private readonly ManualResetEvent _stop = new(initialState: false);
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly IPageSink _counter;
    private readonly long _expected;
    private readonly Thread _thread;

    /// <summary>Begins to show.</summary>
    /// <param name="counter">Is asked how far it is.</param>
    /// <param name="expectedPages">About how many there will be; 0 if that is not known.</param>
    public ScanProgress(IPageSink counter, long expectedPages)
    {
        _counter = counter;
        _expected = expectedPages;
        _thread = new Thread(Console.IsErrorRedirected ? ShowLines : ShowBar)
        {
            Name = "progress",
            IsBackground = true,
        };
        _thread.Start();
    }

    /// <summary>Ends it and takes the bar away.</summary>
    public void Dispose()
    {
        _stop.Set();
        _thread.Join();
        _stop.Dispose();
    }

    /// <summary>One moment as one line.</summary>
    internal static string Format(TimeSpan elapsed, long pages, long expected)
    {
        string of = expected > 0 ? $" of {Quantity.Pages(Math.Max(expected, pages))}" : "";
        double perSecond = pages * (double)Quantity.PageBytes / Math.Max(elapsed.TotalSeconds, 0.001);
        return $"{elapsed.TotalSeconds,5:0} s: {Quantity.Pages(pages)}{of} read, {Quantity.Bytes(perSecond)}/s";
    }

    private void ShowLines()
    {
        Console.Error.WriteLine(_expected > 0 ? $"scanning about {Quantity.Pages(_expected)}" : "scanning");
        while (!_stop.WaitOne(LineInterval))
        {
            Console.Error.WriteLine(Format(_clock.Elapsed, _counter.PagesDone, _expected));
        }
    }

    private void ShowBar()
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(Console.Error),
        });
        console.Progress()
            .AutoClear(true)
            .Columns(new ProgressBarColumn(), new TaskDescriptionColumn { Alignment = Justify.Left })
            .Start(context =>
            {
                ProgressTask task = context.AddTask("", maxValue: Math.Max(1, _expected));
                task.IsIndeterminate = _expected == 0;
                while (!_stop.WaitOne(BarInterval))
                {
                    long done = _counter.PagesDone;
                    task.Value = Math.Min(done, task.MaxValue);
                    task.Description = Markup.Escape(Format(_clock.Elapsed, done, _expected));
                }
            });
    }
}

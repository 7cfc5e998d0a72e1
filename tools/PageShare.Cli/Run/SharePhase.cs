using System.Diagnostics;

namespace PageShare.Cli.Run;

/// <summary>The middle of a run: guests work while the scanner shares, for a time or until nothing more can be
/// shared.</summary>
internal sealed class SharePhase(
    RunOptions options, RunView view, PageShareEngine engine, IReadOnlyList<LoadedGuest> guests) : IDisposable
{
    // Until convergence guests work while hashes are learnt, pages merged, and the first changes found again.
    private const int WorkingPasses = 3;

    private readonly Stopwatch _clock = new();

    /// <summary>Runs it; when it returns, guests and scanner are still.</summary>
    /// <param name="end">Ends it early, for whatever reason.</param>
    /// <param name="stop">Ends it early because the user wants so.</param>
    public ShareOutcome Run(CancellationToken end, CancellationToken stop)
    {
        view.Note(options.UntilConverged
            ? "sharing until nothing more can be merged; Ctrl-C ends it"
            : $"sharing for {options.Duration.TotalSeconds} s; Ctrl-C ends it early");
        _clock.Start();
        if (!WorkRates.Of(options).IsIdle)
        {
            foreach (LoadedGuest guest in guests)
            {
                guest.Workload.Start();
            }
        }

        bool converged = false;
        bool finished;
        using (stop.Register(() => view.Note("stopping: what is there is verified; Ctrl-C again ends at once")))
        {
            view.Watch(() => LiveFigures.Take(_clock.Elapsed, engine));
            try
            {
                if (options.UntilConverged)
                {
                    converged = ScanUntilConverged(end);
                    finished = converged;
                }
                else
                {
                    engine.Resume();
                    finished = !end.WaitHandle.WaitOne(options.Duration);
                    engine.Pause();
                }
            }
            finally
            {
                view.Unwatch();
            }
        }

        double seconds = _clock.Elapsed.TotalSeconds;
        StopWork();
        return new ShareOutcome
        {
            Seconds = seconds,
            ConvergeSeconds = converged ? seconds : null,
            Interrupted = stop.IsCancellationRequested && !finished,
            PagesWritten = guests.Sum(guest => guest.Workload.PagesWritten),
            PagesRead = guests.Sum(guest => guest.Workload.PagesRead),
            Faults = [.. guests.Select(guest => guest.Workload.Fault).OfType<string>()],
        };
    }

    /// <inheritdoc/>
    public void Dispose() => StopWork();

    private bool ScanUntilConverged(CancellationToken end)
    {
        using var late = CancellationTokenSource.CreateLinkedTokenSource(end);
        late.CancelAfter(options.Timeout);
        var convergence = new Convergence();
        while (!convergence.IsReached && !late.IsCancellationRequested)
        {
            try
            {
                convergence.Add(engine.ScanOnce(late.Token));
            }
            catch (OperationCanceledException)
            {
                break;
            }

            if (convergence.Passes == WorkingPasses)
            {
                StopWork();
            }
        }

        return convergence.IsReached;
    }

    private void StopWork()
    {
        foreach (LoadedGuest guest in guests)
        {
            guest.Workload.Stop();
        }
    }
}

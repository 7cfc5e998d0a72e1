using System.Diagnostics;

namespace PageShare.Cli.Run;

/// <summary>The middle of a run: guests work while the scanner shares, for a time or until nothing more can be
/// shared.</summary>
internal sealed class SharePhase(
    RunOptions options, RunView view, IRunGuests guests) : IDisposable
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
            guests.StartWork();
        }

        bool converged = false;
        bool finished;
        using (stop.Register(() => view.Note("stopping: what is there is verified; Ctrl-C again ends at once")))
        {
            view.Watch(() => LiveFigures.Take(_clock.Elapsed, guests));
            try
            {
                if (options.UntilConverged)
                {
                    converged = ScanUntilConverged(end);
                    finished = converged;
                }
                else
                {
                    guests.StartSharing();
                    finished = !ShareForTheDuration(end);
                    guests.StopSharing();
                }
            }
            finally
            {
                view.Unwatch();
            }
        }

        double seconds = _clock.Elapsed.TotalSeconds;
        guests.StopWork();
        WorkDone work = guests.Work;
        return new ShareOutcome
        {
            Seconds = seconds,
            ConvergeSeconds = converged ? seconds : null,
            Interrupted = stop.IsCancellationRequested && !finished,
            PagesWritten = work.PagesWritten,
            PagesRead = work.PagesRead,
            Faults = work.Faults,
        };
    }

    /// <inheritdoc/>
    public void Dispose() => guests.StopWork();

    /// <summary>Waits for the end of the given time; true if something else ended it before.</summary>
    private bool ShareForTheDuration(CancellationToken end)
    {
        if (options.KillHostAfter is TimeSpan delay)
        {
            if (end.WaitHandle.WaitOne(delay))
            {
                return true;
            }

            guests.KillHost();
        }

        TimeSpan rest = options.Duration - _clock.Elapsed;
        return rest > TimeSpan.Zero && end.WaitHandle.WaitOne(rest);
    }

    private bool ScanUntilConverged(CancellationToken end)
    {
        using var late = CancellationTokenSource.CreateLinkedTokenSource(end);
        late.CancelAfter(options.Timeout);
        var convergence = new Convergence();
        while (!convergence.IsReached && !late.IsCancellationRequested)
        {
            try
            {
                convergence.Add(guests.ScanPass(late.Token));
            }
            catch (OperationCanceledException)
            {
                break;
            }

            if (convergence.Passes == WorkingPasses)
            {
                guests.StopWork();
            }
        }

        return convergence.IsReached;
    }
}

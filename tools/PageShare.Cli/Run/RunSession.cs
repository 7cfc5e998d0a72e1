using PageShare.Cli.Run.Isolation;
using PageShare.Platform;

namespace PageShare.Cli.Run;

/// <summary>One run from start to end: load, share, verify.</summary>
internal sealed class RunSession(RunOptions options, RunView view)
{
    // The engine, the runtime and the guests' records take some memory as well.
    private const double MemoryReserve = 1.05;

    // A process of its own takes the runtime and what it compiles once more.
    private const long BytesPerProcess = 64L << 20;

    /// <summary>Runs it.</summary>
    /// <param name="stop">The user's wish to end the share phase.</param>
    /// <exception cref="CommandException">The input can't be used, or the machine can't hold the guests.</exception>
    public RunResult Execute(CancellationToken stop)
    {
        IReadOnlyList<GuestPlan> plans = GuestPlans.Make(options, view);
        RequireMemory(plans);

        using IRunGuests guests = Settle(plans, stop);
        var clock = new PhaseClock(guests.CpuSeconds);
        LoadedPages loaded = Load(guests, plans, stop);
        double loadCpu = clock.Lap();

        using var sharePhase = new SharePhase(options, view, guests);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(stop, guests.Faulted);
        ShareOutcome outcome = sharePhase.Run(end.Token, stop);
        guests.StopSharing();
        var snapshot = guests.Snapshot();
        KernelFigure? kernel = guests.AskKernel(withCopies: true);
        double shareCpu = clock.Lap();

        view.Note($"verifying {Quantity.Pages(loaded.Pages)}, every byte");
        IReadOnlyList<GuestVerdict> verdicts = guests.Verify();
        return new RunResult
        {
            Options = options,
            Snapshot = snapshot,
            Kernel = kernel,
            Loaded = loaded,
            Share = outcome,
            Verdicts = verdicts,
            Cpu = new PhaseSeconds(loadCpu, shareCpu, clock.Lap()),
            Isolation = guests.Isolation,
        };
    }

    private IRunGuests Settle(IReadOnlyList<GuestPlan> plans, CancellationToken stop)
    {
        if (options.Isolation == IsolationKind.None)
        {
            if (!KernelProbe.IsLinux)
            {
                view.Note("all guests live in this process: on this system they can't have processes of their own");
            }

            return new InProcessGuests(options, plans);
        }

        try
        {
            return IsolatedGuests.Start(options, plans, view, stop);
        }
        catch (OperationCanceledException)
        {
            throw StoppedTooEarly();
        }
    }

    private LoadedPages Load(IRunGuests guests, IReadOnlyList<GuestPlan> plans, CancellationToken stop)
    {
        view.Note($"loading {Quantity.Guests(plans.Count)}, {Quantity.Bytes(plans.Sum(plan => plan.Bytes))}");
        try
        {
            return guests.Load(stop);
        }
        catch (OperationCanceledException)
        {
            throw StoppedTooEarly();
        }
    }

    private static CommandException StoppedTooEarly() =>
        CommandException.Aborted("stopped while guests were loading: nothing was shared or verified.");

    private void RequireMemory(IReadOnlyList<GuestPlan> plans)
    {
        double needed = plans.Sum(plan => plan.Bytes) * MemoryReserve;
        if (options.Isolation == IsolationKind.Process)
        {
            needed += (plans.Count + 1) * BytesPerProcess;
        }

        if (AvailableMemory.Read() is long available && needed > available)
        {
            string less = options.HasImages ? "fewer images" : "fewer --guests or a smaller --input";
            throw CommandException.Failed(
                $"{Quantity.Guests(plans.Count)} would need {Quantity.Bytes(needed)}, and {Quantity.Bytes(available)} are available here, "
                + $"since every page is really written before sharing begins. Use {less}, or free some memory.");
        }
    }
}

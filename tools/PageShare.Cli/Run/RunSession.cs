namespace PageShare.Cli.Run;

/// <summary>One run from start to end: load, share, verify.</summary>
internal sealed class RunSession(RunOptions options, RunView view)
{
    // The engine, the runtime and the guests' records take some memory as well.
    private const double MemoryReserve = 1.05;

    private readonly PhaseClock _clock = new();

    /// <summary>Runs it.</summary>
    /// <param name="stop">The user's wish to end the share phase.</param>
    /// <exception cref="CommandException">The input can't be used, or the machine can't hold the guests.</exception>
    public RunResult Execute(CancellationToken stop)
    {
        IReadOnlyList<GuestPlan> plans = GuestPlans.Make(options, view);
        RequireMemory(plans);

        using PageShareEngine engine = Attempt(
            "the engine can't start", () => PageShareEngine.Start(ScanPlan.EngineOptionsFor(options, plans)));
        engine.Pause();
        using var faulted = new CancellationTokenSource();
        var guests = new List<LoadedGuest>();
        try
        {
            LoadedPages loaded = Load(engine, plans, guests, faulted, stop);
            double loadCpu = _clock.Lap();

            using var sharePhase = new SharePhase(options, view, engine, guests);
            using var end = CancellationTokenSource.CreateLinkedTokenSource(stop, faulted.Token);
            ShareOutcome outcome = sharePhase.Run(end.Token, stop);
            engine.Pause();
            var snapshot = engine.Snapshot();
            KernelFigure? kernel = KernelFigure.Read(withCopies: true);
            double shareCpu = _clock.Lap();

            view.Note($"verifying {Quantity.Pages(loaded.Pages)}, every byte");
            IReadOnlyList<GuestVerdict> verdicts = Verification.Verify(guests);
            return new RunResult
            {
                Options = options,
                Snapshot = snapshot,
                Kernel = kernel,
                Loaded = loaded,
                Share = outcome,
                Verdicts = verdicts,
                Cpu = new PhaseSeconds(loadCpu, shareCpu, _clock.Lap()),
            };
        }
        finally
        {
            foreach (LoadedGuest guest in guests)
            {
                guest.Workload.Dispose();
            }
        }
    }

    private LoadedPages Load(
        PageShareEngine engine,
        IReadOnlyList<GuestPlan> plans,
        List<LoadedGuest> guests,
        CancellationTokenSource faulted,
        CancellationToken stop)
    {
        view.Note($"loading {Quantity.Guests(plans.Count)}, {Quantity.Bytes(plans.Sum(plan => plan.Bytes))}");
        var census = new DuplicateCensus();
        var loader = new GuestLoader(census);
        WorkRates rates = WorkRates.Of(options).Share(plans.Count);
        for (int i = 0; i < plans.Count; i++)
        {
            GuestPlan plan = plans[i];
            Guest guest = Attempt(
                $"guest {plan.Name} of {Quantity.Bytes(plan.Bytes)} can't be created",
                () => engine.CreateGuest(plan.Name, plan.Bytes));
            ulong seed = GuestPlans.SeedOf(options.Seed, i);
            var record = new GuestRecord(plan, seed);
            var workload = new GuestWorkload(guest, record, rates, SeededRandom.Mix(seed, 1), faulted.Cancel);
            guests.Add(new LoadedGuest(guest, record, workload));
            try
            {
                loader.Load(guest, plan, record, stop);
            }
            catch (OperationCanceledException)
            {
                throw CommandException.Aborted("stopped while guests were loading: nothing was shared or verified.");
            }
        }

        return census.Counts;
    }

    private void RequireMemory(IReadOnlyList<GuestPlan> plans)
    {
        double needed = plans.Sum(plan => plan.Bytes) * MemoryReserve;
        if (AvailableMemory.Read() is long available && needed > available)
        {
            string less = options.HasImages ? "fewer images" : "fewer --guests or a smaller --input";
            throw CommandException.Failed(
                $"{Quantity.Guests(plans.Count)} would need {Quantity.Bytes(needed)}, and {Quantity.Bytes(available)} are available here, "
                + $"since every page is really written before sharing begins. Use {less}, or free some memory.");
        }
    }

    /// <summary>Says what we were about to do when the engine or the system refused.</summary>
    private static T Attempt<T>(string failure, Func<T> action)
    {
        try
        {
            return action();
        }
        catch (Exception refused) when (
            refused is IOException or InvalidOperationException or ArgumentException or NotSupportedException
                or OutOfMemoryException or TypeInitializationException or UnauthorizedAccessException)
        {
            // The native library is loaded by a type initializer, whose own message says nothing.
            string reason = (refused as TypeInitializationException)?.InnerException?.Message ?? refused.Message;
            throw CommandException.Failed($"{failure}: {reason} 'pageshare doctor' says what this machine lacks.", refused);
        }
    }
}

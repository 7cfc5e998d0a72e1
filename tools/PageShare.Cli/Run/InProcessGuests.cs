using PageShare.Metrics;

namespace PageShare.Cli.Run;

/// <summary>Guests of this process, on an engine of their own.</summary>
internal sealed class InProcessGuests : IRunGuests
{
    private readonly RunOptions _options;
    private readonly IReadOnlyList<GuestPlan> _plans;
    private readonly PageShareEngine _engine;
    private readonly CancellationTokenSource _faulted = new();
    private readonly List<LoadedGuest> _guests = [];

    /// <summary>Starts the engine.</summary>
    /// <exception cref="CommandException">It can't start here.</exception>
    public InProcessGuests(RunOptions options, IReadOnlyList<GuestPlan> plans)
    {
        _options = options;
        _plans = plans;
        _engine = Attempts.Try(
            "the engine can't start", () => PageShareEngine.Start(ScanPlan.EngineOptionsFor(options, plans)));
        _engine.Pause();
    }

    /// <inheritdoc/>
    public CancellationToken Faulted => _faulted.Token;

    /// <inheritdoc/>
    public IsolationReport Isolation => IsolationReport.None;

    /// <inheritdoc/>
    public WorkDone Work => new(
        _guests.Sum(guest => guest.Workload.PagesWritten),
        _guests.Sum(guest => guest.Workload.PagesRead),
        [.. _guests.Select(guest => guest.Workload.Fault).OfType<string>()]);

    /// <inheritdoc/>
    public LoadedPages Load(CancellationToken stop)
    {
        var census = new DuplicateCensus();
        var loader = new GuestLoader(census);
        WorkRates rates = WorkRates.Of(_options).Share(_plans.Count);
        for (int i = 0; i < _plans.Count; i++)
        {
            GuestPlan plan = _plans[i];
            Guest guest = Attempts.Try(
                $"guest {plan.Name} of {Quantity.Bytes(plan.Bytes)} can't be created",
                () => _engine.CreateGuest(plan.Name, plan.Bytes));
            ulong seed = GuestPlans.SeedOf(_options.Seed, i);
            var record = new GuestRecord(plan, seed);
            var workload = new GuestWorkload(guest, record, rates, GuestPlans.WorkSeedOf(seed), _faulted.Cancel);
            _guests.Add(new LoadedGuest(guest, record, workload));
            loader.Load(guest, plan, record, stop);
        }

        return census.Counts;
    }

    /// <inheritdoc/>
    public void StartWork()
    {
        foreach (LoadedGuest guest in _guests)
        {
            guest.Workload.Start();
        }
    }

    /// <inheritdoc/>
    public void StopWork()
    {
        foreach (LoadedGuest guest in _guests)
        {
            guest.Workload.Stop();
        }
    }

    /// <inheritdoc/>
    public void StartSharing() => _engine.Resume();

    /// <inheritdoc/>
    public void StopSharing() => _engine.Pause();

    /// <inheritdoc/>
    public PassReport ScanPass(CancellationToken cancellationToken) => _engine.ScanOnce(cancellationToken);

    /// <inheritdoc/>
    public void KillHost() => throw new NotSupportedException("guests of this process have no host");

    /// <inheritdoc/>
    public EngineSnapshot Snapshot() => _engine.Snapshot();

    /// <inheritdoc/>
    public KernelFigure? AskKernel(bool withCopies) => KernelFigure.Read(withCopies);

    /// <inheritdoc/>
    public double CpuSeconds() => Environment.CpuUsage.TotalTime.TotalSeconds;

    /// <inheritdoc/>
    public IReadOnlyList<GuestVerdict> Verify() => Verification.Verify(_guests);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (LoadedGuest guest in _guests)
        {
            guest.Workload.Dispose();
        }

        _engine.Dispose();
        _faulted.Dispose();
    }
}

using System.Globalization;
using System.Net.Sockets;
using PageShare.Cli.Processes;
using PageShare.Metrics;
using PageShare.Protocol.Messages;

namespace PageShare.Cli.Run.Isolation;

/// <summary>
/// Guests in processes of their own, with a host that shares their memory. This process starts and stops them all, and
/// touches no guest's memory itself.
/// </summary>
/// <remarks>
/// Nothing is left behind however this process ends: every child hangs on a <see cref="Lifeline"/>, and files lie in a
/// <see cref="TemporaryTree"/>.
/// </remarks>
internal sealed class IsolatedGuests : IRunGuests
{
    private readonly IReadOnlyList<GuestPlan> _plans;
    private readonly RunOptions _options;
    private readonly RunView _view;
    private readonly RunRoom _room;
    private readonly RunUsers _users;
    private readonly HostPlan _hostPlan;
    private readonly CancellationTokenSource _faulted = new();
    private readonly GuestProcess[] _guests;
    private readonly List<WorkBody> _work = [];
    private HostProcess? _host;
    private HostStatus? _status;
    private TakeoverLog? _takeovers;
    private bool _isWorking;

    private IsolatedGuests(RunOptions options, IReadOnlyList<GuestPlan> plans, RunView view)
    {
        _options = options;
        _plans = plans;
        _view = view;
        _guests = new GuestProcess[plans.Count];
        _room = RunRoom.Create(plans.Count);
        _users = _room.Users;
        _hostPlan = new HostPlan(
            options,
            ScanPlan.HostOptionsFor(options, plans),
            [.. Enumerable.Range(0, plans.Count).Select(_users.UidOf)]);
    }

    /// <inheritdoc/>
    public CancellationToken Faulted => _faulted.Token;

    /// <inheritdoc/>
    public IsolationReport Isolation => new()
    {
        Kind = "process",
        Uids = _users.AreOwn ? "own" : "shared",
        Reason = _users.Reason,
        HostPid = _host?.Id,
        Guests = [.. _guests.Select(guest => new GuestIdentity(guest.Name, guest.Id, guest.Uid))],
        Takeovers = _takeovers?.All ?? [],
    };

    /// <inheritdoc/>
    public WorkDone Work => new(
        _work.Sum(work => work.PagesWritten),
        _work.Sum(work => work.PagesRead),
        [.. _work.Select(work => work.Fault).OfType<string>(), .. _guests.Select(guest => guest.Death).OfType<string>()]);

    /// <summary>Starts all processes; their guests have memory when this returns, and nothing in it.</summary>
    /// <exception cref="CommandException">The machine doesn't allow it.</exception>
    /// <exception cref="OperationCanceledException">The user stopped it.</exception>
    public static IsolatedGuests Start(
        RunOptions options, IReadOnlyList<GuestPlan> plans, RunView view, CancellationToken stop)
    {
        var guests = new IsolatedGuests(options, plans, view);
        try
        {
            guests.Start(stop);
            return guests;
        }
        catch
        {
            guests.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public LoadedPages Load(CancellationToken stop)
    {
        ForAll((guest, _) => guest.Load(stop));
        var census = new DuplicateCensus();
        for (int i = 0; i < _guests.Length; i++)
        {
            _guests[i].Count(_hostPlan.DomainOf(i), census);
        }

        return census.Counts;
    }

    /// <inheritdoc/>
    public void StartWork()
    {
        _isWorking = true;
        ForAll((guest, _) => IfAlive(guest, () =>
        {
            guest.StartWork();
            return true;
        }));
    }

    /// <inheritdoc/>
    public void StopWork()
    {
        if (!_isWorking)
        {
            return;
        }

        _isWorking = false;
        ForAll((guest, _) =>
        {
            WorkBody work = IfAlive(guest, guest.StopWork) ?? new WorkBody(0, 0, null);
            lock (_work)
            {
                _work.Add(work);
            }
        });
    }

    /// <inheritdoc/>
    public void StartSharing() => _status!.Control(ControlAction.Resume);

    /// <inheritdoc/>
    public void StopSharing()
    {
        _takeovers!.WaitForGuests();
        _status!.Control(ControlAction.Pause);
        HostStatus.WaitForNews();
    }

    /// <inheritdoc/>
    public PassReport ScanPass(CancellationToken cancellationToken)
    {
        StartSharing();
        return _status!.WaitForPass(cancellationToken);
    }

    /// <inheritdoc/>
    public void KillHost()
    {
        _view.Note($"killing the host, process {_host!.Id}, with SIGKILL");
        _host.Kill();
    }

    /// <inheritdoc/>
    public EngineSnapshot Snapshot()
    {
        // The host knows them in the order in which they came.
        EngineSnapshot snapshot = _status!.Engine();
        string[] order = [.. _plans.Select(plan => plan.Name)];
        return snapshot with
        {
            Guests = [.. snapshot.Guests.OrderBy(guest => Array.IndexOf(order, guest.Name))],
        };
    }

    /// <inheritdoc/>
    public KernelFigure? AskKernel(bool withCopies) => KernelFigure.Read(withCopies,
    [
        .. _guests.Select(guest => guest.Id).Append(_host!.Id).Select(id => id.ToString(CultureInfo.InvariantCulture)),
    ]);

    /// <inheritdoc/>
    public double CpuSeconds() =>
        Environment.CpuUsage.TotalTime.TotalSeconds + _host!.CpuSeconds + _guests.Sum(guest => guest.CpuSeconds);

    /// <inheritdoc/>
    public IReadOnlyList<GuestVerdict> Verify()
    {
        var verdicts = new GuestVerdict[_guests.Length];
        ForAll((guest, i) =>
        {
            try
            {
                verdicts[i] = guest.Verify();
            }
            catch (CommandException gone)
            {
                verdicts[i] = new GuestVerdict(guest.Name, Verified: false, WrongPages: 0, [gone.Message]);
            }
        });
        return verdicts;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        GuestProcess[] started = [.. _guests.Where(guest => guest is not null)];
        foreach (GuestProcess guest in started)
        {
            guest.AskToEnd();
        }

        foreach (GuestProcess guest in started)
        {
            guest.Dispose();
        }

        _takeovers?.Dispose();
        _status?.Dispose();
        _host?.Dispose();
        _room.Dispose();
        _faulted.Dispose();
    }

    private void Start(CancellationToken stop)
    {
        _host = HostProcess.Start(ChildProgram.OfThisProcess(), _room.Folder, _hostPlan);
        _room.Listen(() =>
        {
            for (int i = 0; i < _guests.Length; i++)
            {
                _guests[i] = new GuestProcess(
                    _users.CommandOf(i, _room.ControlPath), _plans[i], _users.UidOf(i), _faulted.Cancel);
            }

            return _guests;
        });
        _view.Note(Describe());
        _status = new HostStatus(_host, stop);
        _takeovers = new TakeoverLog(_host, [.. _plans.Select(plan => plan.Name)], _view);
        WorkRates rates = WorkRates.Of(_options).Share(_plans.Count);
        ForAll((guest, i) => guest.Prepare(
            new PrepareBody(
                guest.Name,
                _hostPlan.DomainOf(i),
                _options.FaultMode,
                _host.Socket,
                GuestPlans.SeedOf(_options.Seed, i),
                rates.ReadsPerSecond,
                rates.WritesPerSecond),
            _room.Folder,
            stop));

        // Sharing begins when all have loaded. A host that takes over later finds guests that may be shared.
        _status.Control(ControlAction.Pause);
    }

    private string Describe()
    {
        string processes = $"host is process {_host!.Id}, guests are {string.Join(", ", _guests.Select(guest => guest.Id))}";
        return _users.AreOwn
            ? $"{processes}, each under a user id of its own: {string.Join(", ", _guests.Select(guest => guest.Uid))}"
            : $"{processes}, all under one user id, which keeps them apart by agreement only: {_users.Reason}";
    }

    /// <summary>Does it unless the guest dies, which ends the run in order and is reported with its result.</summary>
    private static T? IfAlive<T>(GuestProcess guest, Func<T> action)
    {
        try
        {
            return guest.Death is null ? action() : default;
        }
        catch (CommandException) when (guest.Death is not null)
        {
            return default;
        }
    }

    /// <summary>All guests at once, each on a thread of its own; then the first failure, if there was one.</summary>
    private void ForAll(Action<GuestProcess, int> action)
    {
        var failures = new Exception?[_guests.Length];
        Thread[] threads = [.. _guests.Select((guest, i) => new Thread(() =>
        {
            try
            {
                action(guest, i);
            }
            catch (Exception failure)
            {
                failures[i] = failure;
            }
        })
        {
            Name = $"order to {guest.Name}",
            IsBackground = true,
        })];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
        if (failures.OfType<Exception>().FirstOrDefault() is Exception first)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(first);
        }
    }
}

using System.Text.Json.Serialization.Metadata;
using Microsoft.Win32.SafeHandles;
using PageShare.Cli.Processes;

namespace PageShare.Cli.Run.Isolation;

/// <summary>A guest's process as the run sees it: tells it what to do, and hears what came of it.</summary>
/// <remarks>Orders belong to one thread at a time.</remarks>
internal sealed class GuestProcess : IDisposable
{
    private readonly ChildProcess _process;
    private readonly GuestPlan _plan;
    private readonly TaskCompletionSource<ControlChannel> _control = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<ControlChannel> _files = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Action _onFault;
    private readonly Lock _gate = new();
    private TaskCompletionSource<ControlMessage?>? _answer; // guard: the gate
    private volatile bool _leaving;
    private Thread? _listener;
    private FileServer? _server;
    private FileStream? _digests;

    /// <summary>Starts the process.</summary>
    /// <param name="command">What to execute.</param>
    /// <param name="plan">What the guest will load.</param>
    /// <param name="uid">Its user.</param>
    /// <param name="onFault">Called, on any thread, when the guest finds a wrong byte or ends by itself.</param>
    public GuestProcess(IReadOnlyList<string> command, GuestPlan plan, uint uid, Action onFault)
    {
        _plan = plan;
        _onFault = onFault;
        Uid = uid;
        _process = ChildProcess.Start(command);
        _process.OnExit(OnExit);
    }

    /// <summary>The guest's name.</summary>
    public string Name => _plan.Name;

    /// <summary>Its process.</summary>
    public int Id => _process.Id;

    /// <summary>Its user.</summary>
    public uint Uid { get; }

    /// <summary>CPU seconds so far.</summary>
    public double CpuSeconds => _process.CpuSeconds;

    /// <summary>Why the process ended though nobody wanted it to; null if it didn't.</summary>
    public string? Death { get; private set; }

    /// <summary>Takes a connection that the process made, by what it says first.</summary>
    public void Accept(ControlChannel channel)
    {
        ControlMessage? hello = channel.Receive();
        if (hello is not { Kind: ControlKind.Hello }
            || !(hello.Read(ControlJson.Default.HelloBody).ForFiles ? _files : _control).TrySetResult(channel))
        {
            channel.Dispose();
        }
    }

    /// <summary>Waits until the process has connected, and tells it what it is to be.</summary>
    public void Prepare(PrepareBody body, string folder, CancellationToken stop)
    {
        ControlChannel control = Wait(_control.Task, stop);
        ControlChannel files = Wait(_files.Task, stop);
        _listener = new Thread(() => Listen(control)) { Name = $"guest {Name}", IsBackground = true };
        _listener.Start();

        using FileStream plan = MakeNameless(folder);
        IReadOnlyList<InputFile> inputs = PlanFile.Write(plan, _plan);
        plan.Flush();
        _server = new FileServer(files, inputs, Name);
        _digests = MakeNameless(folder);
        Ask(ControlKind.Prepare, body, ControlJson.Default.PrepareBody, ControlKind.Prepared,
            [plan.SafeFileHandle, _digests.SafeFileHandle], stop);
    }

    /// <summary>Has it load.</summary>
    public void Load(CancellationToken stop) => Ask(ControlKind.Load, ControlKind.Loaded, stop);

    /// <summary>Counts the pages that it loaded.</summary>
    public void Count(string domain, DuplicateCensus census)
    {
        DigestFile.Count(_digests!.SafeFileHandle, _plan.Pages, domain, census);
        _digests.Dispose();
        _digests = null;
    }

    /// <summary>Has it read and write.</summary>
    public void StartWork() => Tell(ControlKind.StartWork, new EmptyBody(), ControlJson.Default.EmptyBody, []);

    /// <summary>Has it stop, and returns what it did.</summary>
    public WorkBody StopWork() =>
        Ask(ControlKind.StopWork, ControlKind.WorkStopped, CancellationToken.None).Read(ControlJson.Default.WorkBody);

    /// <summary>Has it compare every byte.</summary>
    public GuestVerdict Verify() =>
        Ask(ControlKind.Verify, ControlKind.Verified, CancellationToken.None).Read(ControlJson.Default.GuestVerdict);

    /// <summary>Lets the process go. Returns at once; <see cref="Dispose"/> waits.</summary>
    public void AskToEnd()
    {
        _leaving = true;
        if (_control.Task.IsCompletedSuccessfully)
        {
            _control.Task.Result.Shutdown();
        }

        // The lifeline would end it at once; the end of its connection lets it give its memory back in order. One that
        // has not connected yet has nothing to give back.
        if (_listener is null)
        {
            _process.AskToEnd();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        AskToEnd();
        _process.WaitForExit(TimeSpan.FromSeconds(10));
        _process.Dispose();
        _listener?.Join();
        _server?.Dispose();
        _digests?.Dispose();
        if (_control.Task.IsCompletedSuccessfully)
        {
            _control.Task.Result.Dispose();
        }
    }

    /// <summary>A file that is gone when all who have it open are: the guest gets it as a descriptor.</summary>
    private static FileStream MakeNameless(string folder)
    {
        string path = Path.Combine(folder, Path.GetRandomFileName());
        var file = new FileStream(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        File.Delete(path);
        return file;
    }

    private T Wait<T>(Task<T> task, CancellationToken stop)
    {
        // Whichever comes first; a process that has ended says why better than a wait that never ends.
        if (Task.WaitAny([task, _ended.Task], stop) == 1 && !task.IsCompleted)
        {
            throw Gone();
        }

        return task.Result;
    }

    private ControlMessage Ask(ControlKind order, ControlKind answer, CancellationToken stop) =>
        Ask(order, new EmptyBody(), ControlJson.Default.EmptyBody, answer, [], stop);

    private ControlMessage Ask<T>(
        ControlKind order, T body, JsonTypeInfo<T> type, ControlKind answer, SafeFileHandle[] descriptors, CancellationToken stop)
    {
        var waiting = new TaskCompletionSource<ControlMessage?>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            _answer = waiting;
        }

        Tell(order, body, type, descriptors);
        ControlMessage said = Wait(waiting.Task, stop) ?? throw Gone();
        if (said.Kind == ControlKind.Failed)
        {
            FailedBody failed = said.Read(ControlJson.Default.FailedBody);
            throw failed.ExitCode == ExitCode.BadUsage
                ? CommandException.BadUsage(failed.Message)
                : CommandException.Failed($"{Name}: {failed.Message}");
        }

        return said.Kind == answer
            ? said
            : throw new InvalidDataException($"{Name} answers {order} with {said.Kind}");
    }

    private void Tell<T>(ControlKind order, T body, JsonTypeInfo<T> type, SafeFileHandle[] descriptors)
    {
        try
        {
            _control.Task.Result.Send(order, body, type, descriptors);
        }
        catch (IOException)
        {
            throw Gone();
        }
    }

    private void Listen(ControlChannel control)
    {
        while (control.Receive() is ControlMessage said)
        {
            if (said.Kind == ControlKind.Faulted)
            {
                _onFault();
            }
            else
            {
                Answer(said);
            }
        }

        Answer(null);
    }

    private void Answer(ControlMessage? said)
    {
        lock (_gate)
        {
            _answer?.TrySetResult(said);
        }
    }

    private void OnExit()
    {
        if (!_leaving)
        {
            Death = $"the process of {Name} ({Id}) {_process.EndWithLastWords}";
            _onFault();
        }

        _ended.TrySetResult();
    }

    private CommandException Gone()
    {
        // Its connection ends a moment before it is known to have ended.
        _ended.Task.Wait(TimeSpan.FromSeconds(10));
        return CommandException.Failed(Death ?? $"the process of {Name} ({Id}) is gone");
    }
}

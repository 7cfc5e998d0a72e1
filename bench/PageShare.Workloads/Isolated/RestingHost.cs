using PageShare.Cli;
using PageShare.Host;
using PageShare.Host.Configuration;

namespace PageShare.Workloads.Isolated;

/// <summary>
/// A host in this process whose scanner rests: orders come from what measures them. It has guests of other processes by
/// its socket, and guests of this one by its engine.
/// </summary>
internal sealed class RestingHost : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pageshare-isolated-");
    private readonly CancellationTokenSource _end = new();
    private readonly Task<int> _running;
    private PageShareEngine? _engine;

    /// <summary>Starts it.</summary>
    /// <exception cref="CommandException">It does not start.</exception>
    public RestingHost()
    {
        using var isReady = new ManualResetEventSlim();
        var events = new HostEvents
        {
            Ready = _ => isReady.Set(),
            StartEngine = options => _engine = PageShareEngine.Start(options with { BackgroundScanning = false }),
        };
        var settings = new Dictionary<string, string> { ["socket"] = Socket, ["log"] = "error" };
        var configuration = HostConfiguration.Load(new HostOptions { Settings = settings }, settings);
        _running = Task.Run(() => PageShareHost.RunAsync(configuration, events, _end.Token));
        if (!isReady.Wait(Patience))
        {
            throw CommandException.Failed("the host does not start.");
        }
    }

    /// <summary>Where guests of other processes connect.</summary>
    public string Socket => Path.Combine(_folder.FullName, "host.sock");

    /// <summary>Its engine.</summary>
    public PageShareEngine Engine => _engine!;

    /// <inheritdoc/>
    public void Dispose()
    {
        _end.Cancel();
        _running.Wait(Patience);
        _end.Dispose();
        _folder.Delete(recursive: true);
    }
}

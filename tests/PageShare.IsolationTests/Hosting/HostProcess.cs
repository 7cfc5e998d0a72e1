using System.Collections.Concurrent;
using System.Diagnostics;
using PageShare.Host;
using PageShare.IsolationTests.Isolated;
using PageShare.Protocol.Messages;
using PageShare.TestKit;
using PageShare.TestKit.Proof;

namespace PageShare.IsolationTests.Hosting;

/// <summary>A host as a process of its own, ended with the test.</summary>
internal sealed class HostProcess : IDisposable
{
    /// <summary>Scans all the time, so that tests need not wait for its pace.</summary>
    private const string Eager =
        "engine.scanWhenBusy=true;engine.cpuBudgetPercent=100;engine.targetPassTime=100ms;"
        + "engine.minimumPagesPerSecond=1000000;engine.pressureLimitPercent=100";

    // Only so that a host that hangs fails a test, and not the whole run.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly Process _process;
    private readonly ConcurrentQueue<string> _log = new();
    private readonly Thread _reader;

    private HostProcess(Process process, string socket)
    {
        _process = process;
        Socket = socket;
        _reader = new Thread(ReadLog) { IsBackground = true };
        _reader.Start();
    }

    public string Socket { get; }

    /// <summary>Where its page is; empty without one.</summary>
    public string Http { get; private set; } = "";

    public int ProcessId => _process.Id;

    /// <summary>What it has logged.</summary>
    public string Log => string.Join('\n', _log);

    public int DescriptorCount => Directory.GetFiles($"/proc/{ProcessId}/fd").Length;

    /// <summary>Pages that its stores and its guests' backings take, by the kernel's word.</summary>
    public long AllocatedPages =>
        MemoryObjects.PagesOf(MemoryObjects.Backings, ProcessId)
            + MemoryObjects.PagesOf(MemoryObjects.Stores, ProcessId);

    /// <summary>Starts one and waits until it listens.</summary>
    /// <param name="folder">For its socket.</param>
    /// <param name="settings">More settings, by key.</param>
    /// <param name="configuration">Content of a configuration file; null for none.</param>
    /// <param name="wrapper">A command that runs it.</param>
    public static HostProcess Start(
        TemporaryFolder folder, string settings = "", string? configuration = null, params string[] wrapper) =>
        WaitFor(Launch(folder, settings, configuration, wrapper, new Dictionary<string, string>()));

    /// <summary>The same with variables of its own.</summary>
    public static HostProcess StartWith(TemporaryFolder folder, IReadOnlyDictionary<string, string> environment) =>
        WaitFor(Launch(folder, "", null, [], environment));

    /// <summary>The same as another user, from a folder that this user can read.</summary>
    public static HostProcess StartAs(TemporaryFolder folder, uint user, string program, string configuration) => WaitFor(
        Launch(folder, "", configuration, StagedProbe.As(user), new Dictionary<string, string>(), program));

    private static HostProcess WaitFor(HostProcess host)
    {
        var first = host._process.StandardOutput.ReadLine();
        if (first is null)
        {
            host._reader.Join();
            Assert.Fail($"The host did not start:\n{host.Log}");
        }

        string[] words = first.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(["ready", host.Socket], words[..2]);
        host.Http = words.Length > 2 ? words[2] : "";
        return host;
    }

    /// <summary>Starts one that is not expected to listen; returns its exit code and what it says.</summary>
    public static (int ExitCode, string Log) Fail(TemporaryFolder folder, string settings = "",
        string? configuration = null)
    {
        using var host = Launch(folder, settings, configuration, [], new Dictionary<string, string>());
        return (host.WaitForExit(), host.Log);
    }

    /// <summary>All counters.</summary>
    public StatusAnswer Status()
    {
        using var client = StatusClient.Connect(Socket);
        return client.GetStatus();
    }

    /// <summary>Waits until so many passes have begun and ended. Pass by pass: on a busy machine some take
    /// long.</summary>
    public void AwaitPasses(int count)
    {
        for (var more = count + 1; more > 0; more--) // one is under way
        {
            var passes = Status().Engine.Totals.FullScans;
            Until.True(() => Status().Engine.Totals.FullScans > passes, "the host makes another pass");
        }
    }

    /// <summary>Has whoever comes to a place of it stop there: see the probe's ParkedPlaces.</summary>
    /// <param name="place">A <see cref="TestKit.Points.TestPoint"/> or a <see cref="MemoryStep"/>.</param>
    /// <param name="number">The page, or what stands for it there; null for any.</param>
    public void Park(Enum place, int? number = null) => Assert.Equal("", Do($"park {place} {number}".TrimEnd()));

    /// <summary>Whether somebody stands there. What needs the engine's lock, as its status does, then waits in
    /// vain.</summary>
    public bool IsParked(Enum place) => bool.Parse(Do($"parked {place}"));

    /// <summary>Asks it to end, as systemd does, and returns its exit code.</summary>
    public int Stop()
    {
        Assert.Equal(0, Mono.Unix.Native.Syscall.kill(ProcessId, Mono.Unix.Native.Signum.SIGTERM));
        return WaitForExit();
    }

    /// <summary>Ends it as the kernel does when memory is short.</summary>
    public void Kill()
    {
        _process.Kill();
        WaitForExit();
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        _process.WaitForExit();
        _reader.Join();
        _process.Dispose();
    }

    private static HostProcess Launch(
        TemporaryFolder folder, string settings, string? configuration, IReadOnlyList<string> wrapper,
        IReadOnlyDictionary<string, string> environment, string? program = null)
    {
        var socket = Path.Combine(folder.Path, "host.sock");
        List<string> arguments = ["host", "--socket", socket, "--set", $"log=debug;{Eager};{settings}"];
        if (configuration is not null)
        {
            arguments.AddRange(["--config", folder.Write("host.json", configuration)]);
        }

        var command = new ProbeCommand([.. arguments])
        {
            Wrapper = wrapper,
            Environment = environment,
            Folder = program,
        };
        return new HostProcess(ProbeProcess.StartTalking(command), socket);
    }

    private string Do(string command)
    {
        _process.StandardInput.WriteLine(command);
        _process.StandardInput.Flush();
        var line = _process.StandardOutput.ReadLine() ?? "the host has ended";
        Assert.True(line.StartsWith("ok", StringComparison.Ordinal), $"{command}: {line}");
        return line["ok".Length..].TrimStart();
    }

    private int WaitForExit()
    {
        if (!_process.WaitForExit(Patience))
        {
            Assert.Fail($"The host does not end:\n{Log}");
        }

        _reader.Join();
        return _process.ExitCode;
    }

    private void ReadLog()
    {
        while (_process.StandardError.ReadLine() is { } line)
        {
            _log.Enqueue(line);
        }
    }
}

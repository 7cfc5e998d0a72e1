using System.Diagnostics;
using System.Globalization;
using PageShare.Platform;

namespace PageShare.TestKit.Rings;

/// <summary>A guest of an engine in this process that lives in a process of its own.</summary>
internal sealed class RingProcess : IDisposable
{
    // Only a test that fails waits this long.
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    private readonly Process _process;

    private RingProcess(IsolatedGuest host, Process process)
    {
        Host = host;
        _process = process;
    }

    /// <summary>The host's end.</summary>
    public IsolatedGuest Host { get; }

    /// <summary>Its process.</summary>
    public int ProcessId => _process.Id;

    /// <summary>Makes a guest, and starts its process; <see cref="Attach"/> is still to come.</summary>
    public static RingProcess Start(PageShareEngine engine, string name, long pages, FaultMode mode, int processId)
    {
        Assert.SkipWhen(
            HostPlatform.Create().BetweenProcesses is null,
            "needs Linux: only there have guests processes of their own.");
        var host = engine.CreateIsolated(new IsolatedSpec
        {
            Name = name,
            Bytes = pages * PageContent.Bytes,
            MaximumBytes = pages * PageContent.Bytes,
            Domain = "default",
            ProcessId = processId,
            FaultMode = mode,
        });
        var objects = RingGuestPaths.Of(host);
        string[] arguments =
        [
            "ring-guest", "--engine", mode.ToString(), "--guest", name, "--domain", host.Domain,
            "--pages", Text(pages), "--store-bytes", Text(host.StoreBytes), "--backing", objects.Backing,
            "--table", objects.Table, "--ring", objects.Ring, "--store", objects.Store,
        ];
        return new RingProcess(host, ProbeProcess.StartTalking(new ProbeCommand(arguments)));
    }

    /// <summary>Has its agent begin, and tells the host.</summary>
    public void Attach()
    {
        Tell("attach", "attached");
        Host.Attach();
    }

    /// <summary>Tells it to do something, and waits until it has.</summary>
    public void Tell(string what, string answer)
    {
        Say(what);
        Hear(answer);
    }

    /// <summary>Tells it to do something.</summary>
    public void Say(string what)
    {
        _process.StandardInput.WriteLine(what);
        _process.StandardInput.Flush();
    }

    /// <summary>Waits until it has done what it was told.</summary>
    public void Hear(string answer)
    {
        var line = _process.StandardOutput.ReadLineAsync();
        Assert.True(line.Wait(Deadline), $"The process of guest '{Host.Name}' does not answer.");
        Assert.True(line.Result == answer, $"{line.Result}\n{(line.Result is null ? _process.StandardError.ReadToEnd() : "")}");
    }

    /// <summary>SIGKILL; returns when the kernel has ended it.</summary>
    public void Kill()
    {
        _process.Kill();
        Assert.True(_process.WaitForExit(Deadline));
    }

    /// <summary>Sends a signal by its number.</summary>
    public void Signal(int number) => Assert.Equal(
        0, Mono.Unix.Native.Syscall.kill(_process.Id, Mono.Unix.Native.NativeConvert.ToSignum(number)));

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_process.HasExited)
        {
            Kill();
        }

        Host.Dispose();
        _process.Dispose();
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}

using System.Diagnostics;
using PageShare.TestKit;

namespace PageShare.IsolationTests.Isolated;

/// <summary>A scenario of the probe that is told what to do line by line; ended with the test.</summary>
internal class TalkingProcess : IDisposable
{
    private const int SignalStop = 19;
    private const int SignalContinue = 18;

    private readonly Process _process;

    protected TalkingProcess(ProbeCommand command) => _process = ProbeProcess.StartTalking(command);

    public int ProcessId => _process.Id;

    /// <summary>Starts one and waits until it is ready.</summary>
    public static TalkingProcess Start(ProbeCommand command)
    {
        var process = new TalkingProcess(command);
        process.AwaitStart("ready");
        return process;
    }

    /// <summary>Has it do something, and returns what it answers.</summary>
    public string Do(string command)
    {
        Say(command);
        return Hear(command);
    }

    /// <summary>Has it try something, and returns the whole answer.</summary>
    public string Try(string command)
    {
        Say(command);
        return HearLine(command);
    }

    /// <summary>Tells it to do something; <see cref="Hear"/> waits until it has.</summary>
    public void Say(string command)
    {
        _process.StandardInput.WriteLine(command);
        _process.StandardInput.Flush();
    }

    public string Hear(string command)
    {
        var line = HearLine(command);
        Assert.True(line.StartsWith("ok", StringComparison.Ordinal), $"{command}: {line}");
        return line["ok".Length..].TrimStart();
    }

    /// <summary>Stops all its threads, agent included, until <see cref="Continue"/>.</summary>
    public void Freeze()
    {
        Signal(SignalStop);
        Until.True(
            () => Directory.GetDirectories($"/proc/{ProcessId}/task").All(static task =>
                File.ReadAllText(Path.Combine(task, "stat")).Split(") ")[^1].StartsWith('T')),
            "all its threads are stopped");
    }

    public void Continue() => Signal(SignalContinue);

    /// <summary>Ends it at whatever instruction it is.</summary>
    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        _process.WaitForExit();
        _process.Dispose();
    }

    /// <summary>Waits for its first line, and ends it if that is another one.</summary>
    protected void AwaitStart(string greeting)
    {
        try
        {
            Assert.Equal(greeting, Hear("its start"));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Waits until it has ended without an answer, and returns what it said about that.</summary>
    protected string HearWhyItEnds()
    {
        var error = _process.StandardError.ReadToEndAsync();
        Assert.Null(_process.StandardOutput.ReadLine());
        _process.WaitForExit();
        return error.Result;
    }

    private string HearLine(string command)
    {
        if (_process.StandardOutput.ReadLine() is { } line)
        {
            return line;
        }

        _process.WaitForExit();
        Assert.Fail($"{command}: the process ended with {_process.ExitCode}.\n{_process.StandardError.ReadToEnd()}");
        return "";
    }

    private void Signal(int number) => Assert.Equal(
        0, Mono.Unix.Native.Syscall.kill(_process.Id, Mono.Unix.Native.NativeConvert.ToSignum(number)));
}

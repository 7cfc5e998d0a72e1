using System.Diagnostics;

namespace PageShare.Cli.Processes;

/// <summary>A process that this one started and that ends with it: it has a <see cref="Lifeline"/>.</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class ChildProcess : IDisposable
{
    private const int LinesKept = 40;

    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(10);

    private readonly Process _process;
    private readonly Queue<string> _said = new(); // guard: itself
    private TimeSpan _cpu; // guard: _said

    private ChildProcess(Process process)
    {
        _process = process;
        Id = process.Id;
        process.OutputDataReceived += (_, line) => Keep(line.Data);
        process.ErrorDataReceived += (_, line) => Keep(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    /// <summary>Its number.</summary>
    public int Id { get; }

    /// <summary>Whether it has ended.</summary>
    public bool HasExited => _process.HasExited;

    /// <summary>Whether it has ended with exit code 0.</summary>
    public bool Succeeded => HasExited && _process.ExitCode == 0;

    /// <summary>What it said last on standard output and standard error; for messages.</summary>
    public string Said
    {
        get
        {
            lock (_said)
            {
                return string.Join('\n', _said);
            }
        }
    }

    /// <summary>CPU seconds so far; of one that has ended, those of the last time that somebody asked.</summary>
    public double CpuSeconds
    {
        get
        {
            lock (_said)
            {
                try
                {
                    _process.Refresh();
                    _cpu = _process.TotalProcessorTime;
                }
                catch (Exception ended) when (ended is InvalidOperationException or SystemException)
                {
                    // What we knew is what there is.
                }

                return _cpu.TotalSeconds;
            }
        }
    }

    /// <summary>Starts it in a session of its own, if the system has the program for that: Ctrl-C at a terminal then is
    /// for the parent alone.</summary>
    /// <param name="command">What to execute, and its arguments.</param>
    /// <exception cref="CommandException">It can't be executed.</exception>
    public static ChildProcess Start(IReadOnlyList<string> command)
    {
        string[] whole = SystemProgram.Find("setsid") is string setsid ? [setsid, .. command] : [.. command];
        try
        {
            return new ChildProcess(Process.Start(new ProcessStartInfo(whole[0], whole[1..])
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!);
        }
        catch (System.ComponentModel.Win32Exception refused)
        {
            throw CommandException.Failed($"can't start {whole[0]}: {refused.Message}", refused);
        }
    }

    /// <summary>Waits for its end; false if that does not come in time.</summary>
    public bool WaitForExit(TimeSpan timeout) => _process.WaitForExit(timeout);

    /// <summary>Calls back when it has ended, or now if it has.</summary>
    public void OnExit(Action action) => _process.WaitForExitAsync().ContinueWith(
        _ => action(), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);

    /// <summary>Asks it to end, by letting its lifeline go. Returns at once.</summary>
    public void AskToEnd()
    {
        try
        {
            _process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It has ended, and the pipe with it.
        }
    }

    /// <summary>Ends it as no program can resist (SIGKILL).</summary>
    public void Kill() => _process.Kill();

    /// <summary>How it ended, in words.</summary>
    // .NET, as shells do, tells a signal by 128 and its number.
    public string End => _process.ExitCode is > 128 and int code
        ? $"was ended by signal {code - 128}"
        : $"ended with exit code {_process.ExitCode}";

    /// <summary>The same with what it said last.</summary>
    public string EndWithLastWords => Said is { Length: > 0 } said ? $"{End}, having said:\n{said}" : End;

    /// <summary>Ends it: cleanly if it can, by force if it doesn't.</summary>
    public void Dispose()
    {
        AskToEnd();
        if (!_process.WaitForExit(Grace))
        {
            _process.Kill();
        }

        _process.WaitForExit();
        _process.Dispose();
    }

    private void Keep(string? line)
    {
        if (line is null)
        {
            return;
        }

        lock (_said)
        {
            _said.Enqueue(line);
            if (_said.Count > LinesKept)
            {
                _said.Dequeue();
            }
        }
    }
}

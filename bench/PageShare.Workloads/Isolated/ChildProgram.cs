using System.Diagnostics;
using System.Runtime.InteropServices;
using PageShare.Cli;

namespace PageShare.Workloads.Isolated;

/// <summary>
/// This program once more, as a process of its own that does what it is told line by line: a line in, a line out. It
/// ends when its input does, so no child outlives this process.
/// </summary>
internal sealed class ChildProgram : IDisposable
{
    private const string Done = "ok";

    private readonly Process _process;

    private ChildProgram(Process process) => _process = process;

    /// <summary>Its number.</summary>
    public int Id => _process.Id;

    /// <summary>Starts it, and waits until it is ready.</summary>
    /// <exception cref="CommandException">It is not going to be.</exception>
    public static ChildProgram Start(string verb, params IEnumerable<string> arguments)
    {
        // The runtime lies in FOLDER/shared/NAME/VERSION.
        var dotnet = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "../../../dotnet"));
        var assembly = Path.Combine(AppContext.BaseDirectory, "PageShare.Workloads.dll");
        var child = new ChildProgram(Process.Start(
            new ProcessStartInfo(dotnet, ["exec", assembly, verb, .. arguments])
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
            })!);
        try
        {
            child.Hear(verb);
            return child;
        }
        catch
        {
            child.Dispose();
            throw;
        }
    }

    /// <summary>Serves what <see cref="Do"/> says, until the input ends.</summary>
    public static void Serve(Func<string[], string> act)
    {
        // Ctrl-C goes to all of a terminal's processes: this one serves until its parent has done with it.
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, static signal => signal.Cancel = true);
        Answer("ready");
        while (Console.In.ReadLine() is { } line)
        {
            Answer(act(line.Split(' ')));
        }
    }

    /// <summary>Has it do something, and returns what it answers.</summary>
    /// <exception cref="CommandException">It has ended; it has said why on standard error.</exception>
    public string Do(string command)
    {
        Say(command);
        return Hear(command);
    }

    /// <summary>Tells it to do something; <see cref="Hear"/> waits until it has.</summary>
    public void Say(string command)
    {
        _process.StandardInput.WriteLine(command);
        _process.StandardInput.Flush();
    }

    /// <summary>Waits for the answer.</summary>
    /// <exception cref="CommandException">As above.</exception>
    public string Hear(string command) =>
        _process.StandardOutput.ReadLine() is { } line && line.StartsWith(Done, StringComparison.Ordinal)
            ? line[Done.Length..].TrimStart()
            : throw CommandException.Failed($"a process of the measurement has ended at '{command}'.");

    /// <summary>Ends it by SIGKILL; returns when it has.</summary>
    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        _process.WaitForExit();
        _process.Dispose();
    }

    private static void Answer(string text)
    {
        Console.Out.WriteLine($"{Done} {text}");
        Console.Out.Flush();
    }
}

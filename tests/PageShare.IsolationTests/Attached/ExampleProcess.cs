using System.Diagnostics;
using System.Runtime.InteropServices;

namespace PageShare.IsolationTests.Attached;

/// <summary>The example in tools/examples/TestGuest as a process of its own, command by command.</summary>
internal sealed class ExampleProcess : IDisposable
{
    private readonly Process _process;

    public ExampleProcess(params string[] arguments)
    {
        var runtime = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "../../../dotnet"));
        var start = new ProcessStartInfo(
            runtime, ["exec", Path.Combine(AppContext.BaseDirectory, "TestGuest.dll"), .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        _process = Process.Start(start)!;
    }

    /// <summary>Sends a command and returns the line that it is answered with.</summary>
    public string Ask(string command)
    {
        _process.StandardInput.WriteLine(command);
        _process.StandardInput.Flush();
        return _process.StandardOutput.ReadLine() ?? $"it ended: {_process.StandardError.ReadToEnd()}";
    }

    /// <summary>Waits for its end by itself.</summary>
    public (int ExitCode, string Error) End()
    {
        _process.StandardInput.Close();
        var error = _process.StandardError.ReadToEnd();
        Assert.True(_process.WaitForExit(TimeSpan.FromSeconds(60)), "it does not end");
        return (_process.ExitCode, error);
    }

    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            Kill();
        }

        _process.Dispose();
    }
}

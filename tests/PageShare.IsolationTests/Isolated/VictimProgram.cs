using System.ComponentModel;
using System.Diagnostics;
using PageShare.TestKit;

namespace PageShare.IsolationTests.Isolated;

/// <summary>
/// victim.c, compiled once for a class of tests: a guest that is no .NET program, embeds the shim by its headers alone,
/// and starts in a few milliseconds.
/// </summary>
public sealed class VictimProgram : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string? _missing;

    public VictimProgram()
    {
        var here = AppContext.BaseDirectory;
        try
        {
            using var compiler = Process.Start("cc",
            [
                "-std=c11", "-Wall", "-Wextra", "-Werror", "-O1", "-pthread", "-I", Path.Combine(here, "include"), "-o",
                Program, Path.Combine(here, "victim.c"), Path.Combine(here, "libpageshare_native.so"),
                $"-Wl,-rpath,{here}",
            ]);
            compiler.WaitForExit();
            Assert.True(compiler.ExitCode == 0, "victim.c does not compile.");
        }
        catch (Win32Exception notFound)
        {
            _missing = notFound.Message;
        }
    }

    private string Program => Path.Combine(_folder.Path, "victim");

    /// <summary>Starts one that does not stop anywhere by itself.</summary>
    public Victim Start(string socket, string name, int pages, FaultMode mode, int seed, int point = -1)
    {
        Assert.SkipWhen(_missing is not null, $"needs cc: {_missing} Install it with 'apt-get install gcc libc6-dev'.");
        return new Victim(Process.Start(new ProcessStartInfo(
            Program, [socket, name, $"{pages}", mode == FaultMode.Kernel ? "kernel" : "signal", $"{seed}", $"{point}"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!);
    }

    public void Dispose() => _folder.Dispose();
}

/// <summary>A guest to be killed.</summary>
public sealed class Victim(Process process) : IDisposable
{
    /// <summary>It works, and its agent takes orders.</summary>
    public const string Attached = "attached";

    /// <summary>Somebody stands at the point.</summary>
    public const string Parked = "parked";

    public int ProcessId => process.Id;

    /// <summary>Waits until it says so.</summary>
    public void Await(string line)
    {
        var said = process.StandardOutput.ReadLine();
        Assert.True(said == line, $"The victim says '{said}' and not '{line}'. {(said is null ? Error : "")}");
    }

    /// <summary>Ends it at whatever instruction it is.</summary>
    public void Kill()
    {
        process.Kill();
        process.WaitForExit();
    }

    public void Dispose()
    {
        if (!process.HasExited)
        {
            process.Kill();
        }

        process.WaitForExit();
        process.Dispose();
    }

    private string Error => process.StandardError.ReadToEnd();
}

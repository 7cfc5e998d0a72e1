using System.ComponentModel;
using System.Diagnostics;
using PageShare.TestKit;

namespace PageShare.IsolationTests.Foreign;

/// <summary>
/// foreign.c, compiled once for a class of tests: code that no managed program can be, such as a signal handler.
/// </summary>
public sealed class ForeignCode : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string? _missing;

    public ForeignCode()
    {
        if (!Platform.HostPlatform.IsLinux)
        {
            Library = Path.Combine(AppContext.BaseDirectory, "foreign.dll");
            _missing = File.Exists(Library) ? null : $"Compile foreign_windows.c to {Library}.";
            return;
        }

        Library = Path.Combine(_folder.Path, "libforeign.so");
        var source = Path.Combine(AppContext.BaseDirectory, "foreign.c");
        try
        {
            using var compiler = Process.Start("cc", ["-shared", "-fPIC", "-pthread", "-O1", "-o", Library, source]);
            compiler.WaitForExit();
            Assert.True(compiler.ExitCode == 0, "foreign.c does not compile.");
        }
        catch (Win32Exception notFound)
        {
            _missing = $"{notFound.Message} Install it with 'apt-get install gcc libc6-dev'.";
        }
    }

    private string Library { get; }

    /// <summary>Runs a scenario that needs the library; without a compiler the test is skipped.</summary>
    public ProbeResult Run(string scenario, FaultMode? engine, params string[] arguments)
    {
        Assert.SkipWhen(_missing is not null, $"needs a C compiler: {_missing}");
        return ProbeProcess.Run(scenario, engine, ["--helper", Library, .. arguments]);
    }

    public void Dispose() => _folder.Dispose();
}

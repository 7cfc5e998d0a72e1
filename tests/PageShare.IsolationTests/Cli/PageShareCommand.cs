using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace PageShare.IsolationTests.Cli;

/// <summary>Runs the built <c>pageshare</c> as users do: as a process of its own.</summary>
internal static class PageShareCommand
{
    // Only so that a hanging child fails a test and not the whole run.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    /// <summary>Runs it to its end.</summary>
    public static CommandResult Run(params string[] arguments)
    {
        using Process process = Start(arguments);
        return Finish(process, "");
    }

    /// <summary>Starts it and returns at once. Its output must be read, by <see cref="Finish"/> at the
    /// latest.</summary>
    public static Process Start(params string[] arguments)
    {
        // The runtime that runs this test, since there may be no other: folder/shared/NAME/VERSION/.
        string dotnet = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "../../../dotnet"));
        return Process.Start(new ProcessStartInfo(
            dotnet, [Path.Combine(AppContext.BaseDirectory, "pageshare.dll"), .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
    }

    /// <summary>Reads on until the process ends.</summary>
    /// <param name="process">The process.</param>
    /// <param name="errorSoFar">What the test has read of its standard error itself.</param>
    public static CommandResult Finish(Process process, string errorSoFar)
    {
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(Patience))
        {
            process.Kill();
            Assert.Fail($"pageshare did not end within {Patience}");
        }

        return new CommandResult(process.ExitCode, output.Result, errorSoFar + error.Result);
    }
}

/// <summary>How a command ended and what it said.</summary>
internal sealed record CommandResult(int ExitCode, string Output, string Error)
{
    /// <summary>Its standard output, which must be one JSON object and nothing else.</summary>
    public JsonElement Json => JsonDocument.Parse(Output).RootElement;

    /// <summary>Fails with all that was said unless the exit code is this one.</summary>
    public CommandResult Expect(int exitCode)
    {
        Assert.True(ExitCode == exitCode, $"exit code {ExitCode}, not {exitCode}\n{Output}\n{Error}");
        return this;
    }
}

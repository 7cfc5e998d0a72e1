using System.Diagnostics;
using System.Text.Json;
using Mono.Unix.Native;
using PageShare.TestKit;

namespace PageShare.IsolationTests.Cli;

/// <summary><c>pageshare run --input</c> from the outside: what it prints where, and how it ends. With guests in one
/// process, which is faster; <see cref="RunIsolatedTests"/> has the others.</summary>
public sealed class RunOnFilesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public RunOnFilesTests()
    {
        _folder.Write("files/one", MemoryImages.Make(700, seed: 1));
        _folder.Write("files/two/three", MemoryImages.Make(300, seed: 2).AsSpan(0, 1_000_001));
        Input = Path.Combine(_folder.Path, "files");
    }

    private string Input { get; }

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("signal")]
    [InlineData("kernel")]
    public void GuestsThatWorkConvergeAndAreVerified(string faultMode)
    {
        JsonElement json = PageShareCommand.Run(
            "run", "--input", Input, "--until-converged", "--write-rate", "5000", "--fault-mode", faultMode, "--isolation", "none",
            "--json")
            .Expect(0).Json;

        Assert.True(json.GetProperty("verified").GetBoolean());
        Assert.True(json.GetProperty("converged").GetBoolean());
        Assert.True(json.GetProperty("convergeSeconds").GetDouble() > 0);
        Assert.Equal(faultMode, json.GetProperty("faultMode").GetString());
        Assert.Equal(4, json.GetProperty("guests").GetArrayLength());
        Assert.All(json.GetProperty("guests").EnumerateArray(), guest => Assert.True(guest.GetProperty("verified").GetBoolean()));
        Assert.Equal(json.GetProperty("pagesTotal").GetInt64(), json.GetProperty("pagesPopulated").GetInt64());
        Assert.True(json.GetProperty("savedBytes").GetInt64() > 0);
    }

    [Theory]
    [InlineData("signal")]
    [InlineData("kernel")]
    public void KernelsFigureIsOursWhenGuestsHaveWritten(string faultMode)
    {
        // Breaks that the scanner has not seen yet are the hard part: nothing scans after them.
        JsonElement json = PageShareCommand.Run(
            "run", "--input", Input, "--duration", "3s", "--write-rate", "3000", "--fault-mode", faultMode, "--isolation", "none",
            "--json")
            .Expect(0).Json;

        Assert.Equal(json.GetProperty("kernelResidentBytes").GetInt64(), json.GetProperty("residentBytes").GetInt64());
    }

    [Fact]
    public void AllThatGuestsDoBesideJsonGoesToStandardError()
    {
        CommandResult result = PageShareCommand.Run("run", "--input", Input, "--until-converged", "--isolation", "none", "--json").Expect(0);

        Assert.StartsWith("{", result.Output, StringComparison.Ordinal);
        Assert.EndsWith("}\n", result.Output, StringComparison.Ordinal);
        Assert.Contains("verified", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void WithoutJsonTheSummaryIsTheOutput()
    {
        CommandResult result = PageShareCommand.Run(
            "run", "--input", Input, "--until-converged", "--guests", "2", "--isolation", "none").Expect(0);

        Assert.Contains("every byte of 2 guests", result.Output, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', result.Output + result.Error);
    }

    [Fact]
    public void SeedRepeatsTheGuests()
    {
        string[] command = ["run", "--input", Input, "--until-converged", "--write-rate", "0", "--seed", "77", "--isolation",
            "none", "--json"];

        JsonElement first = PageShareCommand.Run(command).Expect(0).Json;
        JsonElement second = PageShareCommand.Run(command).Expect(0).Json;

        Assert.Equal(77, first.GetProperty("seed").GetInt64());
        Assert.Equal(first.GetProperty("loaded").GetRawText(), second.GetProperty("loaded").GetRawText());
        Assert.Equal(first.GetProperty("pagesTotal").GetInt64(), second.GetProperty("pagesTotal").GetInt64());
    }

    [Fact]
    public void TimeoutBeforeConvergenceHasItsOwnExitCode()
    {
        // No machine makes three passes over 20 MiB in a millisecond.
        JsonElement json = PageShareCommand.Run(
            "run", "--input", Input, "--until-converged", "--timeout", "1ms", "--isolation", "none", "--json").Expect(3).Json;

        Assert.True(json.GetProperty("verified").GetBoolean());
        Assert.False(json.GetProperty("converged").GetBoolean());
        Assert.Equal(JsonValueKind.Null, json.GetProperty("convergeSeconds").ValueKind);
    }

    [Theory]
    [InlineData(Signum.SIGINT)]
    [InlineData(Signum.SIGTERM)]
    public void InterruptEndsTheRunEarlyWithEverythingVerified(Signum signal)
    {
        using Process process = PageShareCommand.Start(
            "run", "--input", Input, "--duration", "1h", "--isolation", "none", "--json");
        string said = ReadUntil(process, "sharing for");
        Assert.Equal(0, Syscall.kill(process.Id, signal));

        CommandResult result = PageShareCommand.Finish(process, said).Expect(0);

        Assert.True(result.Json.GetProperty("interrupted").GetBoolean());
        Assert.True(result.Json.GetProperty("verified").GetBoolean());
        Assert.True(result.Json.GetProperty("shareSeconds").GetDouble() < 3600);
        Assert.Contains("stopping", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void RunOfAGivenLengthEndsByItself()
    {
        // Without a look at the exit code: on a busy machine two seconds may not be enough to share anything.
        JsonElement json = PageShareCommand.Run(
            "run", "--input", Input, "--duration", "2s", "--isolation", "none", "--json").Json;

        Assert.True(json.GetProperty("verified").GetBoolean());
        Assert.False(json.GetProperty("interrupted").GetBoolean());
        Assert.False(json.GetProperty("converged").GetBoolean());
        Assert.True(json.GetProperty("shareSeconds").GetDouble() >= 2);
        Assert.True(json.GetProperty("pagesWritten").GetInt64() > 0);
        Assert.True(json.GetProperty("pagesRead").GetInt64() > 0);
    }

    private static string ReadUntil(Process process, string words)
    {
        string said = "";
        while (process.StandardError.ReadLine() is string line)
        {
            said += line + "\n";
            if (line.Contains(words, StringComparison.Ordinal))
            {
                return said;
            }
        }

        Assert.Fail($"pageshare ended without saying '{words}':\n{said}");
        return said;
    }
}

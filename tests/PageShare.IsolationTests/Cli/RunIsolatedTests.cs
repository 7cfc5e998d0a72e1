using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using Mono.Unix.Native;
using PageShare.TestKit;

namespace PageShare.IsolationTests.Cli;

/// <summary><c>pageshare run</c> as it is by default: every guest in a process of its own, seen from outside.</summary>
public sealed class RunIsolatedTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public RunIsolatedTests()
    {
        _folder.Write("files/one", MemoryImages.Make(700, seed: 1));
        _folder.Write("files/two/three", MemoryImages.Make(300, seed: 2).AsSpan(0, 1_000_001));
    }

    // In a folder that nobody else may enter: guests of other users get their files as descriptors.
    private string Input => Path.Combine(_folder.Path, "files");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void FourGuestsHaveProcessesAndUsersOfTheirOwn()
    {
        using var run = new IsolatedRun("--input", Input, "--duration", "1h", "--json");
        run.WaitFor("sharing for");
        long[] seen = [.. run.Guests.Select(UidOf)];
        IsolatedRun.Signal(run.Id, Signum.SIGINT);

        JsonElement json = run.Finish().Expect(0).Json;

        Assert.Equal(4, run.Guests.Distinct().Count());
        Assert.True(json.GetProperty("verified").GetBoolean());
        Assert.True(json.GetProperty("interrupted").GetBoolean());
        JsonElement isolation = json.GetProperty("isolation");
        Assert.Equal("process", isolation.GetProperty("kind").GetString());
        JsonElement[] guests = [.. isolation.GetProperty("guests").EnumerateArray()];
        Assert.Equal(run.Guests, guests.Select(guest => guest.GetProperty("pid").GetInt32()));
        Assert.Equal(seen, guests.Select(guest => guest.GetProperty("uid").GetInt64()));
        if (Environment.IsPrivilegedProcess)
        {
            Assert.Equal("own", isolation.GetProperty("uids").GetString());
            Assert.Equal(5, seen.Append(0).Distinct().Count());
        }
        else
        {
            Assert.Equal("shared", isolation.GetProperty("uids").GetString());
            Assert.Contains("root", isolation.GetProperty("reason").GetString(), StringComparison.Ordinal);
        }

        run.ExpectNothingLeft();
    }

    [Theory]
    [InlineData("signal")]
    [InlineData("kernel")]
    public void WorkingGuestsConvergeAndAreVerified(string faultMode)
    {
        JsonElement json = PageShareCommand.Run(
            "run", "--input", Input, "--until-converged", "--write-rate", "5000", "--fault-mode", faultMode, "--json")
            .Expect(0).Json;

        Assert.True(json.GetProperty("converged").GetBoolean());
        Assert.Equal(faultMode, json.GetProperty("faultMode").GetString());
        Assert.True(json.GetProperty("pagesWritten").GetInt64() > 0);
        Assert.True(json.GetProperty("savedBytes").GetInt64() > 0);
        Assert.Equal(json.GetProperty("pagesTotal").GetInt64(), json.GetProperty("pagesPopulated").GetInt64());
        AssertNear(json.GetProperty("kernelResidentBytes").GetInt64(), json.GetProperty("residentBytes").GetInt64(), faultMode);
        Assert.All(
            json.GetProperty("guests").EnumerateArray(), guest => Assert.True(guest.GetProperty("verified").GetBoolean()));
    }

    [Fact]
    public void LoadedPagesAreThoseOfGuestsInOneProcess()
    {
        string[] command = ["run", "--input", Input, "--duration", "10ms", "--seed", "7", "--write-rate", "0", "--json"];

        JsonElement apart = PageShareCommand.Run([.. command, "--isolation", "process"]).Json;
        JsonElement together = PageShareCommand.Run([.. command, "--isolation", "none"]).Json;

        Assert.Equal("none", together.GetProperty("isolation").GetProperty("kind").GetString());
        Assert.Equal(together.GetProperty("loaded").GetRawText(), apart.GetProperty("loaded").GetRawText());
        Assert.Equal(together.GetProperty("pagesTotal").GetInt64(), apart.GetProperty("pagesTotal").GetInt64());
    }

    [Fact]
    public void KilledRunLeavesNothingBehind()
    {
        using var run = new IsolatedRun("--input", Input, "--duration", "1h");
        run.WaitFor("sharing for");

        IsolatedRun.Signal(run.Id, Signum.SIGKILL);

        run.ExpectNothingLeft();
    }

    [Fact]
    public void InterruptBeforeSharingEndsAtOnceAndLeavesNothing()
    {
        using var run = new IsolatedRun("--input", Input, "--duration", "1h", "--json");

        IsolatedRun.Signal(run.Id, Signum.SIGINT);

        CommandResult result = run.Finish();
        Assert.Contains("stop", result.Error, StringComparison.Ordinal);
        Assert.Contains(result.ExitCode, (int[])[0, 130]); // 0: it had begun to share in the meantime
        run.ExpectNothingLeft();
    }

    [Fact]
    public void EveryByteIsThereWhenTheHostIsKilledInTheMiddle()
    {
        JsonElement json = PageShareCommand.Run(
            "run", "--input", Input, "--duration", "4s", "--write-rate", "20000", "--kill-host-after", "1s", "--json")
            .Expect(0).Json;

        Assert.True(json.GetProperty("verified").GetBoolean());
        JsonElement isolation = json.GetProperty("isolation");
        JsonElement takeover = Assert.Single(isolation.GetProperty("takeovers").EnumerateArray().ToArray());
        Assert.True(takeover.GetProperty("attachedSeconds").GetDouble() > 0);
        Assert.Equal(isolation.GetProperty("hostPid").GetInt32(), takeover.GetProperty("pid").GetInt32());
        Assert.NotEqual(takeover.GetProperty("formerPid").GetInt32(), takeover.GetProperty("pid").GetInt32());
    }

    [Fact]
    public void HostThatSomebodyKillsIsReplaced()
    {
        using var run = new IsolatedRun("--input", Input, "--duration", "1h", "--json");
        run.WaitFor("sharing for");
        IsolatedRun.Signal(run.Host, Signum.SIGKILL);
        run.WaitFor("all guests are with the new host");
        IsolatedRun.Signal(run.Id, Signum.SIGTERM);

        JsonElement json = run.Finish().Expect(0).Json;

        Assert.True(json.GetProperty("verified").GetBoolean());
        Assert.Single(json.GetProperty("isolation").GetProperty("takeovers").EnumerateArray());
        run.ExpectNothingLeft();
    }

    [Fact]
    public void GuestThatDiesIsNamedAndNothingIsCalledVerified()
    {
        using var run = new IsolatedRun("--input", Input, "--duration", "1h", "--json");
        run.WaitFor("sharing for");

        IsolatedRun.Signal(run.Guests[1], Signum.SIGKILL);

        CommandResult result = run.Finish().Expect(1);
        Assert.False(result.Json.GetProperty("verified").GetBoolean());
        Assert.Contains("guest-2", result.Json.GetProperty("faults")[0].GetString(), StringComparison.Ordinal);
        Assert.Contains("signal 9", result.Json.GetProperty("faults")[0].GetString(), StringComparison.Ordinal);
        run.ExpectNothingLeft();
    }

    [Fact]
    public void ProgramInAFolderOfOneUserCanBeRun()
    {
        // A copy in a folder that only its owner may enter, as a clone below /root is.
        string program = Path.Combine(_folder.Path, "clone");
        CopyProgram(program);

        using var run = new IsolatedRun(StartCopy(program, [], "--duration", "500ms", "--json"));

        JsonElement json = run.Finish().Json;
        Assert.True(json.GetProperty("verified").GetBoolean());
        Assert.Equal(
            Environment.IsPrivilegedProcess ? "own" : "shared",
            json.GetProperty("isolation").GetProperty("uids").GetString());
        run.ExpectNothingLeft();
    }

    [Fact]
    public void WithoutRootGuestsShareOneUserAndTheRunSaysSo()
    {
        const string Setpriv = "/usr/bin/setpriv";
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "needs root, to become somebody else");
        Assert.SkipUnless(File.Exists(Setpriv), $"needs {Setpriv}, to become somebody else");
        CopyProgram(Path.Combine(_folder.Path, "copy"));
        Open(_folder.Path);

        using var run = new IsolatedRun(StartCopy(
            Path.Combine(_folder.Path, "copy"),
            [Setpriv, "--reuid", "60999", "--regid", "60999", "--clear-groups"],
            "--duration", "500ms", "--json"));

        JsonElement isolation = run.Finish().Json.GetProperty("isolation");
        Assert.Equal("shared", isolation.GetProperty("uids").GetString());
        Assert.Contains("not root", isolation.GetProperty("reason").GetString(), StringComparison.Ordinal);
        Assert.All(
            isolation.GetProperty("guests").EnumerateArray(),
            guest => Assert.Equal(60999, guest.GetProperty("uid").GetInt64()));
        run.ExpectNothingLeft();
    }

    /// <summary>In kernel mode the host hears of copies from the guests' agents, and goes on bringing them home while guests
    /// are paused: the two figures, asked one after the other, may be some pages apart.</summary>
    private static void AssertNear(long expected, long actual, string faultMode)
    {
        long apart = faultMode == "kernel" ? expected / 50 : 0;
        Assert.InRange(actual, expected - apart, expected + apart);
    }

    private Process StartCopy(string program, string[] before, params string[] options)
    {
        string dotnet = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "../../../dotnet"));
        string[] command =
            [.. before, dotnet, Path.Combine(program, "pageshare.dll"), "run", "--input", Input, .. options];
        return Process.Start(new ProcessStartInfo(command[0], command[1..])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
    }

    private static void CopyProgram(string folder)
    {
        string source = AppContext.BaseDirectory;
        string[] needed = [.. Directory.EnumerateFiles(source, "*", SearchOption.AllDirectories)
            .Where(file => Path.GetExtension(file) is ".dll" or ".so" or ".json")];
        foreach (string file in needed)
        {
            string copy = Path.Combine(folder, Path.GetRelativePath(source, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
    }

    /// <summary>Lets everybody read a folder and all that is in it.</summary>
    private static void Open(string folder)
    {
        foreach (string entry in Directory.EnumerateFileSystemEntries(folder, "*", SearchOption.AllDirectories).Append(folder))
        {
            Assert.Equal(0, Syscall.chmod(entry, FilePermissions.ACCESSPERMS & ~(FilePermissions.S_IWGRP | FilePermissions.S_IWOTH)));
        }
    }

    private static long UidOf(int process) => long.Parse(
        File.ReadLines($"/proc/{process}/status").First(line => line.StartsWith("Uid:", StringComparison.Ordinal)).Split('\t')[1],
        CultureInfo.InvariantCulture);
}

using System.Diagnostics;
using System.Text.Json;
using Mono.Unix.Native;
using PageShare.TestKit;

namespace PageShare.IsolationTests.Cli;

/// <summary><c>pageshare host</c>, and what looks at it and controls it.</summary>
public sealed class HostVerbTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Socket => Path.Combine(_folder.Path, "host.sock");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void HostAnswersAndEndsCleanly()
    {
        using Process host = Start();

        JsonElement status = PageShareCommand.Run("status", "--socket", Socket, "--json").Expect(0).Json;
        string table = PageShareCommand.Run("status", "--socket", Socket).Expect(0).Output;

        Assert.Equal(host.Id, status.GetProperty("processId").GetInt32());
        Assert.Equal(0, status.GetProperty("engine").GetProperty("totals").GetProperty("pagesTotal").GetInt64());
        Assert.Contains($"process {host.Id}", table, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', table);
        Assert.Equal(0, Syscall.kill(host.Id, Signum.SIGTERM));
        PageShareCommand.Finish(host, "").Expect(0);
        Assert.False(File.Exists(Socket));
    }

    [Fact]
    public void GuestsOfARunAreShownAndObey()
    {
        string input = _folder.Write("input", MemoryImages.Make(300, seed: 1));
        using var run = new IsolatedRun("--input", input, "--duration", "1h", "--json", "--guests", "2");
        string socket = Path.Combine(run.Folder, "host.sock");
        run.WaitFor("sharing for");

        PageShareCommand.Run("guest", "pause", "guest-1", "--socket", socket).Expect(0);
        Assert.False(Sharing(socket, "guest-1"));
        Assert.True(Sharing(socket, "guest-2"));
        PageShareCommand.Run("guest", "unshare", "guest-1", "--socket", socket).Expect(0);
        Assert.Equal(0, Guest(socket, "guest-1").GetProperty("counters").GetProperty("pagesShared").GetInt64());
        PageShareCommand.Run("guest", "resume", "guest-1", "--socket", socket).Expect(0);
        Assert.True(Sharing(socket, "guest-1"));
        CommandResult missing = PageShareCommand.Run("guest", "pause", "nobody", "--socket", socket).Expect(1);
        Assert.Contains("nobody", missing.Error, StringComparison.Ordinal);

        Assert.Contains("guest-2", PageShareCommand.Run("status", "--socket", socket).Expect(0).Output, StringComparison.Ordinal);
        IsolatedRun.Signal(run.Id, Signum.SIGTERM);
        run.Finish().Expect(0);
    }

    [Fact]
    public void TopPrintsTablesUntilItIsInterrupted()
    {
        using Process host = Start();
        using Process top = PageShareCommand.Start("top", "--socket", Socket, "--interval", "50ms");
        int tables = 0;
        while (tables < 3 && top.StandardOutput.ReadLine() is string line)
        {
            tables += line.Contains($"process {host.Id}", StringComparison.Ordinal) ? 1 : 0;
        }

        Assert.Equal(3, tables);
        Assert.Equal(0, Syscall.kill(top.Id, Signum.SIGINT));
        CommandResult result = PageShareCommand.Finish(top, "").Expect(0);
        Assert.Empty(result.Error);
        host.Kill();
        host.WaitForExit();
    }

    [Theory]
    [InlineData("status")]
    [InlineData("top")]
    [InlineData("guest pause web-1")]
    public void WithoutAHostTheSocketIsNamed(string arguments)
    {
        CommandResult result = PageShareCommand.Run([.. arguments.Split(' '), "--socket", Socket]).Expect(1);

        Assert.Empty(result.Output);
        Assert.StartsWith($"pageshare: {Socket}: ", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void ConfigurationThatCanNotBeUsedIsBadUsage()
    {
        string config = _folder.Write("host.json", """{ "engine": { "cpuBudgetPercent": 400 } }""");

        CommandResult result = PageShareCommand.Run("host", "--socket", Socket, "--config", config).Expect(2);

        Assert.Contains("cpuBudgetPercent", result.Error, StringComparison.Ordinal);
        Assert.Contains(config, result.Error, StringComparison.Ordinal);
    }

    private static bool Sharing(string socket, string name) => Guest(socket, name).GetProperty("sharing").GetBoolean();

    private static JsonElement Guest(string socket, string name)
    {
        JsonElement found = default;
        string before = "";
        Until.True(
            () =>
            {
                // What a host says may be a moment old: twice something else, and it is of after the call.
                JsonElement status = PageShareCommand.Run("status", "--socket", socket, "--json").Expect(0).Json;
                found = status.GetProperty("engine").GetProperty("guests").EnumerateArray()
                    .Single(guest => guest.GetProperty("name").GetString() == name);
                string now = status.GetProperty("engine").GetProperty("totals").GetRawText();
                (bool isNew, before) = (before.Length > 0 && now != before, now);
                return isNew;
            },
            "the host looks again");
        return found;
    }

    private Process Start()
    {
        Process host = PageShareCommand.Start("host", "--socket", Socket);
        Until.True(() => File.Exists(Socket) || host.HasExited, "the host listens");
        return host;
    }
}

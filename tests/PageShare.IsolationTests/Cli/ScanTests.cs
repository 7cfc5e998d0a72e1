using System.Diagnostics;
using System.Text.Json;
using Mono.Unix.Native;
using PageShare.TestKit;

namespace PageShare.IsolationTests.Cli;

/// <summary><c>pageshare scan</c> as users run it, on files.</summary>
public sealed class ScanTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void CountsAreThoseOfComparingWholePages()
    {
        byte[][] memories = [MemoryImages.Make(3000, seed: 1), MemoryImages.Make(3000, seed: 2)];
        string[] images = [_folder.Write("a.ram", memories[0]), _folder.Write("b.ram", memories[1])];

        JsonElement json = Scan([.. images, "--json"]).Expect(0).Json;

        Assert.Equal(4096, json.GetProperty("pageSize").GetInt32());
        Assert.True(json.GetProperty("complete").GetBoolean());
        AssertSaves(MemoryImages.BestSavedBytes(memories), json.GetProperty("total"));
        JsonElement[] targets = [.. json.GetProperty("targets").EnumerateArray()];
        Assert.Equal(images, targets.Select(target => target.GetProperty("name").GetString()));
        AssertSaves(MemoryImages.BestSavedBytes(memories[0]), targets[0]);
        AssertSaves(MemoryImages.BestSavedBytes(memories[1]), targets[1]);
    }

    [Fact]
    public void EveryKeyOfTheJsonIsThere()
    {
        JsonElement json = Scan(_folder.Write("a.ram", MemoryImages.Make(50, seed: 1)), "--json").Expect(0).Json;

        string[] keys =
        [
            "name", "pages", "zeroPages", "distinctPages", "duplicatePages", "savedPages", "savingRatio",
            "crossTargetSavedPages", "mappingsNeeded", "savingByBudget",
        ];
        JsonElement[] all = [json.GetProperty("total"), .. json.GetProperty("targets").EnumerateArray()];
        Assert.All(all, tally => Assert.All(keys, key => Assert.True(tally.TryGetProperty(key, out _), key)));
        Assert.All(all, tally => Assert.Equal(
            ["10k", "30k", "65k", "1M"],
            tally.GetProperty("savingByBudget").EnumerateObject().Select(budget => budget.Name)));
    }

    [Fact]
    public void WithoutJsonTablesAreTheOutput()
    {
        CommandResult result = Scan(_folder.Write("a.ram", MemoryImages.Make(500, seed: 1))).Expect(0);

        Assert.Contains("a.ram", result.Output, StringComparison.Ordinal);
        Assert.Contains("compression", result.Output, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', result.Output + result.Error);
    }

    [Fact]
    public void SampleSaysItsInterval()
    {
        byte[] memory = MemoryImages.Make(6000, seed: 3);
        long saved = MemoryImages.BestSavedBytes(memory) / MemoryImages.PageBytes;

        JsonElement json = Scan(_folder.Write("a.ram", memory), "--sample", "10%", "--json").Expect(0).Json;

        Assert.Equal(0.1, json.GetProperty("sampleRate").GetDouble());
        JsonElement interval = json.GetProperty("total").GetProperty("intervals").GetProperty("savedPages");
        Assert.InRange(saved, interval[0].GetInt64(), interval[1].GetInt64());
    }

    [Fact]
    public void BadTargetsAreNamedAndTheOthersReported()
    {
        string good = _folder.Write("good.ram", MemoryImages.Make(20, seed: 1));
        string missing = Path.Combine(_folder.Path, "missing");
        string unaligned = _folder.Write("unaligned.ram", new byte[4097]);

        CommandResult result = Scan(missing, good, "pid:4194305", unaligned, "--json").Expect(1);

        string[] bad = [missing, "pid:4194305", unaligned];
        Assert.All(bad, name => Assert.Contains($"pageshare: {name}: ", result.Error, StringComparison.Ordinal));
        Assert.DoesNotContain("   at ", result.Error, StringComparison.Ordinal);
        Assert.Equal(bad, result.Json.GetProperty("problems").EnumerateArray()
            .Select(problem => problem.GetProperty("target").GetString()));
        Assert.Equal(20, result.Json.GetProperty("total").GetProperty("pages").GetInt64());
    }

    [Fact]
    public void OnlyBadTargetsStillGiveAReport()
    {
        JsonElement json = Scan(Path.Combine(_folder.Path, "missing"), "--json").Expect(1).Json;

        Assert.Empty(json.GetProperty("targets").EnumerateArray());
        Assert.Equal(0, json.GetProperty("total").GetProperty("pages").GetInt64());
    }

    [Theory]
    [InlineData("scan")]
    [InlineData("scan --json")]
    [InlineData("scan a --sample 0")]
    [InlineData("scan a --threads 0")]
    [InlineData("scan a --no-such-option")]
    [InlineData("scan pid:none")]
    public void BadUsageIsToldWithItsOwnExitCode(string arguments)
    {
        CommandResult result = PageShareCommand.Run(arguments.Split(' ')).Expect(2);

        Assert.Empty(result.Output);
        Assert.StartsWith("pageshare: ", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void HelpHasExamples()
    {
        string help = PageShareCommand.Run("scan", "--help").Expect(0).Output;

        Assert.Contains("pageshare scan pid:1234", help, StringComparison.Ordinal);
        Assert.Contains("128-bit", help, StringComparison.Ordinal);
    }

    [Fact]
    public void InterruptEndsWithWhatWasCounted()
    {
        // Eight tebibytes of nothing: half an hour at the least, if nobody stops it.
        string path = _folder.Write("huge.ram", "");
        using (FileStream huge = File.OpenWrite(path))
        {
            huge.SetLength(1L << 43);
        }

        using Process process = PageShareCommand.Start("scan", path, "--json");
        string? said = process.StandardError.ReadLine();
        Assert.Contains("scanning", said, StringComparison.Ordinal);
        Assert.Equal(0, Syscall.kill(process.Id, Signum.SIGINT));
        CommandResult result = PageShareCommand.Finish(process, said + "\n").Expect(130);

        Assert.True(result.Json.GetProperty("interrupted").GetBoolean());
        Assert.False(result.Json.GetProperty("complete").GetBoolean());
        JsonElement total = result.Json.GetProperty("total");
        Assert.False(total.GetProperty("complete").GetBoolean());
        Assert.Equal(total.GetProperty("pages").GetInt64(), total.GetProperty("zeroPages").GetInt64());
        Assert.Contains("stopped", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void NothingIsWrittenToATarget()
    {
        byte[] memory = MemoryImages.Make(30, seed: 1);
        string image = _folder.Write("in/a.ram", memory);
        string inside = Path.GetDirectoryName(image)!;
        DateTime before = File.GetLastWriteTimeUtc(image);
        DateTime folderBefore = Directory.GetLastWriteTimeUtc(inside);

        // Also while somebody else has it open for writing, alone.
        using (FileStream open = new(image, FileMode.Open, FileAccess.ReadWrite, FileShare.None))
        {
            Scan(image, inside).Expect(0);
        }

        Assert.Equal(memory, File.ReadAllBytes(image));
        Assert.Equal(before, File.GetLastWriteTimeUtc(image));
        Assert.Equal(folderBefore, Directory.GetLastWriteTimeUtc(inside));
    }

    private static CommandResult Scan(params string[] arguments) => PageShareCommand.Run(["scan", .. arguments]);

    private static void AssertSaves(long bytes, JsonElement tally)
    {
        Assert.Equal(bytes / MemoryImages.PageBytes, tally.GetProperty("savedPages").GetInt64());
        Assert.Equal(
            tally.GetProperty("pages").GetInt64(),
            tally.GetProperty("zeroPages").GetInt64() + tally.GetProperty("distinctPages").GetInt64()
                + tally.GetProperty("duplicatePages").GetInt64());
    }
}

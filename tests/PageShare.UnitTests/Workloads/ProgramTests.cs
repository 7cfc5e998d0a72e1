using System.Text.Json;
using PageShare.Platform;
using PageShare.TestKit;
using PageShare.Workloads;

namespace PageShare.UnitTests.Workloads;

public sealed class ProgramTests
{
    [Fact]
    public void PhasesOnMadeUpMemoryEndWithAReport()
    {
        using var folder = new TemporaryFolder();
        var file = Path.Combine(folder.Path, "phases.json");

        var exitCode = Program.Main(
        [
            "phases", "--quick", "--size", "16", "--move", "1s", "--rest", "300ms", "--pass-time", "100ms",
            "--json", file,
        ]);

        Assert.Equal(0, exitCode);
        using var json = JsonDocument.Parse(File.ReadAllText(file));
        Assert.True(json.RootElement.GetProperty("quick").GetBoolean());
        Assert.True(json.RootElement.GetProperty("machine").GetProperty("processors").GetInt32() > 0);
        var phases = Assert.Single(json.RootElement.GetProperty("workloads").EnumerateArray());
        Assert.Equal("phases", phases.GetProperty("workload").GetString());
        Assert.Equal(JsonValueKind.Null, phases.GetProperty("fault").ValueKind); // every byte was compared
        Assert.Equal(3, phases.GetProperty("bars").GetArrayLength());
        string[] expected = ["converge", "get busy", "rest", "go back", "rest again"];
        Assert.Equal(expected, phases.GetProperty("phases").EnumerateArray().Select(
            static phase => phase.GetProperty("name").GetString()!));

        JsonElement[] samples = [.. phases.GetProperty("samples").EnumerateArray()];
        Assert.All(samples, static sample => Assert.Equal(4096, sample.GetProperty("pages").GetInt64()));
        Assert.All(
            samples.Where(static sample => sample.GetProperty("withoutRescansPages").ValueKind == JsonValueKind.Number),
            static sample => Assert.InRange(
                sample.GetProperty("withoutRescansPages").GetInt64(),
                0,
                sample.GetProperty("optimumPages").GetInt64()));
        Assert.True(samples[^1].GetProperty("pagesWritten").GetInt64() > 0);
        Assert.True(samples.Max(static sample => sample.GetProperty("savedPages").GetInt64()) > 0);
    }

    [Fact]
    public void BudgetOnMadeUpMemoryEndsWithAReport()
    {
        using var folder = new TemporaryFolder();
        var file = Path.Combine(folder.Path, "budget.json");

        var exitCode = Program.Main(["budget", "--size", "8", "--mappings", "100", "--json", file]);

        Assert.Equal(0, exitCode);
        using var json = JsonDocument.Parse(File.ReadAllText(file));
        var budget = Assert.Single(json.RootElement.GetProperty("workloads").EnumerateArray());
        Assert.Equal(JsonValueKind.Null, budget.GetProperty("fault").ValueKind); // every byte was compared
        Assert.Equal(0, budget.GetProperty("bars").GetArrayLength()); // which are for images
        JsonElement[] rows = [.. budget.GetProperty("budgets").EnumerateArray()];
        Assert.Equal(6, rows.Length); // active, idle, and active since, in both modes
        Assert.All(rows, static row =>
        {
            Assert.Equal(2048, row.GetProperty("pages").GetInt64());
            Assert.InRange(row.GetProperty("mappingsUsed").GetInt64(), 4, 100);
            Assert.InRange(
                row.GetProperty("savedPages").GetInt64(), 1, row.GetProperty("optimumPages").GetInt64());
        });
    }

    [Fact]
    public void PacingTellsWhatTheScannerTookAndWhatGuestsDid()
    {
        Assert.SkipUnless(KernelProbe.IsLinux, "needs Linux: there the kernel tells a thread's CPU time to everybody.");
        using var folder = new TemporaryFolder();
        var file = Path.Combine(folder.Path, "pacing.json");

        Assert.Equal(
            0, Program.Main(["pacing", "--quick", "--size", "8", "--seconds", "2", "--rounds", "1", "--json", file]));

        using var json = JsonDocument.Parse(File.ReadAllText(file));
        var pacing = Assert.Single(json.RootElement.GetProperty("workloads").EnumerateArray());
        JsonElement[] taken = [.. pacing.GetProperty("scannerPercents").EnumerateArray()];
        Assert.Equal(2, taken.Length);
        Assert.Contains(taken, static percent => percent.GetDouble() > 0);
        Assert.True(pacing.GetProperty("pagesWrittenPerSecond").GetDouble() > 0);
        var round = Assert.Single(pacing.GetProperty("rounds").EnumerateArray());
        Assert.True(round.GetProperty("stepsPerSecondWithout").GetDouble() > 0);
        Assert.True(round.GetProperty("stepsPerSecondWith").GetDouble() > 0);
        Assert.Equal(2, pacing.GetProperty("bars").GetArrayLength());
    }

    [Fact]
    public void IsolatedMeasuresOrdersBreaksAndATakeoverAndFindsEveryByte()
    {
        Assert.SkipUnless(KernelProbe.IsLinux, "needs Linux: only there have guests processes of their own.");
        using var folder = new TemporaryFolder();
        var file = Path.Combine(folder.Path, "isolated.json");

        Assert.Equal(0, Program.Main(["isolated", "--quick", "--size", "16", "--json", file]));

        using var json = JsonDocument.Parse(File.ReadAllText(file));
        var isolated = Assert.Single(json.RootElement.GetProperty("workloads").EnumerateArray());
        Assert.Equal(JsonValueKind.Null, isolated.GetProperty("fault").ValueKind); // every byte was compared
        int[] runs = [1, 8, 64, 512];
        Assert.Equal(runs, isolated.GetProperty("orders").EnumerateArray().Select(
            static orders => orders.GetProperty("runPages").GetInt32()));
        Assert.Equal(2, isolated.GetProperty("breaks").GetArrayLength());
        var takeover = isolated.GetProperty("takeover");
        Assert.Equal(16 << 20, takeover.GetProperty("bytes").GetInt64());
        Assert.True(
            takeover.GetProperty("attachedSeconds").GetDouble() <= takeover.GetProperty("freedSeconds").GetDouble());
    }

    [Theory]
    [InlineData("no-such-workload")]
    [InlineData("phases --no-such-option")]
    [InlineData("phases --write-rate 0")]
    [InlineData("phases --rest never")]
    [InlineData("phases --fault-mode Signal")]
    [InlineData("phases --images /no/such/folder")]
    [InlineData("phases --json /no/such/folder/phases.json")]
    [InlineData("cow --writers 65")]
    [InlineData("ksm --images /no/such/folder --size 1")]
    [InlineData("scale --most 1")]
    [InlineData("budget --mappings many")]
    [InlineData("isolated --size 1")]
    [InlineData("pacing --cpu-budget 0")]
    [InlineData("pacing --seconds none")]
    [InlineData("ksm --pair --images .")]
    public void BadUsageHasItsOwnExitCode(string arguments) => Assert.Equal(2, Program.Main(arguments.Split(' ')));

    [Fact]
    public void AFolderWithoutPairsIsBadUsage()
    {
        using var folder = new TemporaryFolder();
        folder.Write("vm.idle0.ram", "no page");

        Assert.Equal(2, Program.Main(["phases", "--images", folder.Path]));
        folder.Write("vm.act0.ram", "no page");
        Assert.Equal(2, Program.Main(["phases", "--images", folder.Path]));
    }

    [Theory]
    [InlineData("--help")]
    [InlineData("phases --help")]
    [InlineData("ksm --help")]
    [InlineData("cow --help")]
    [InlineData("scale --help")]
    [InlineData("budget --help")]
    [InlineData("pacing --help")]
    [InlineData("all --help")]
    public void HelpIsThere(string arguments) => Assert.Equal(0, Program.Main(arguments.Split(' ')));
}

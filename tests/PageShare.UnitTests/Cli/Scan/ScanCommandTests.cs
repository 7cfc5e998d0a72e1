using System.CommandLine;
using System.Text.Json;
using PageShare.Cli.Scan;
using PageShare.Cli.Scan.Report;

namespace PageShare.UnitTests.Cli.Scan;

public sealed class ScanCommandTests
{
    [Fact]
    public void EveryOptionReachesTheScan()
    {
        ScanOptions options = ScanCommand.Read(Parse("a pid:7 --sample 2% --threads 3 --json"));

        Assert.Equal(["a", "pid:7"], options.Targets);
        Assert.Equal(0.02, options.Sample.Share, 12);
        Assert.Equal(3, options.Threads);
        Assert.True(options.Json);
    }

    [Fact]
    public void DefaultsAreAllContentsByAllProcessors()
    {
        ScanOptions options = ScanCommand.Read(Parse("a"));

        Assert.True(options.Sample.IsAll);
        Assert.Equal(Environment.ProcessorCount, options.Threads);
        Assert.False(options.Json);
    }

    [Theory]
    [InlineData("")]
    [InlineData("--json")]
    [InlineData("a --sample")]
    [InlineData("a --sample 0%")]
    [InlineData("a --sample much")]
    [InlineData("a --threads 0")]
    [InlineData("a --threads two")]
    [InlineData("a --threads 1000")]
    [InlineData("a --no-such-option")]
    public void WhatIsNoValueIsAParseError(string arguments) => Assert.NotEmpty(Parse(arguments).Errors);

    [Fact]
    public void TablesSayWhatTheReportSays()
    {
        ScanReport report = ScanSession.Run(
            new ScanOptions { Targets = [], Threads = 1 },
            [new NumberedPages("vm[1]", 1, 2, 1, 0), new NumberedPages("vm2", 1, 2, 9)],
            CancellationToken.None);
        var output = new StringWriter();

        ScanSummary.Write(output, report, toTerminal: false);

        string text = output.ToString();
        Assert.Contains("vm[1]", text, StringComparison.Ordinal);
        Assert.Contains("57.1 %", text, StringComparison.Ordinal);
        Assert.Contains("zero", text, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', text);
        Assert.All(text.Split('\n'), line => Assert.True(line.TrimEnd().Length <= 120, line));
    }

    [Fact]
    public void ScanOfNothingIsAReportToo()
    {
        ScanReport report = ScanSession.Run(
            new ScanOptions { Targets = [], Threads = 1 }, [new NumberedPages("none")], CancellationToken.None);

        ScanSummary.Write(new StringWriter(), report, toTerminal: false);
        JsonElement json = JsonDocument.Parse(report.ToJson()).RootElement;
        Assert.Equal(0, json.GetProperty("total").GetProperty("savingRatio").GetDouble());
    }

    [Fact]
    public void ProgressIsOneLine()
    {
        string line = ScanProgress.Format(TimeSpan.FromSeconds(2), 1 << 18, 1 << 20);

        Assert.Equal("    2 s: 1.0 GiB of 4.0 GiB read, 512.0 MiB/s", line);
    }

    private static ParseResult Parse(string arguments) => ScanCommand.Create().Parse(arguments);
}

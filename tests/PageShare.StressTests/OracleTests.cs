using System.Globalization;
using PageShare.TestKit;

namespace PageShare.StressTests;

/// <summary>
/// Threads write to guests in every way there is, while passes, garbage collections and other guests' coming and going
/// race with them, and every byte is compared with a copy in ordinary memory. In a process of its own, which may crash
/// or hang.
/// </summary>
/// <remarks>
/// Environment: PAGESHARE_SEED repeats a failed run; PAGESHARE_SOAK_MINUTES makes each test go on that long, with one
/// seed after another. The same by hand: PageShare.CrashProbe oracle --engine both --seed N --soak MINUTES.
/// </remarks>
public sealed class OracleTests(ITestOutputHelper output)
{
    private static readonly double SoakMinutes = double.TryParse(
        Environment.GetEnvironmentVariable("PAGESHARE_SOAK_MINUTES"), CultureInfo.InvariantCulture, out var minutes)
        ? minutes
        : 0;

    [Theory]
    [InlineData("signal")]
    [InlineData("kernel")]
    [InlineData("both")]
    public void EveryByteIsWhatItsWriterWroteLast(string modes) => Run("0", modes);

    [Fact]
    public void EveryByteIsWhatItsWriterWroteLastWithSeveralScannerThreads() => Run("0", "both", scannerThreads: 3);

    [Fact]
    public void EveryByteIsWhatItsWriterWroteLastUnderServerGarbageCollection()
    {
        var result = Run("1", "both");
        Assert.Contains("server GC: True", result.Output, StringComparison.Ordinal);
    }

    [Theory, BothModes]
    public void AByteThatIsChangedBehindTheOraclesBackIsFoundAndDescribed(FaultMode mode)
    {
        var result = ProbeProcess.Run("oracle", mode, "--seed", "1", "--corrupt", "1", "--operations", "2000");
        result.Expect(1);
        Assert.Matches(
            @"Guest 'guest-0', page 0, offset 0: expected 0x.., actual 0x..; page words 0: .*; "
            + @"last write of the page: .*; found by .* Seed 1\.",
            result.Error);
    }

    private ProbeResult Run(string serverGarbageCollection, string modes, int scannerThreads = 1)
    {
        var result = ProbeProcess.Run(new ProbeCommand(
            "oracle",
            "--engine",
            modes,
            "--seed",
            Seeds.Seed.ToString(CultureInfo.InvariantCulture),
            "--scanner-threads",
            scannerThreads.ToString(CultureInfo.InvariantCulture),
            "--soak",
            SoakMinutes.ToString(CultureInfo.InvariantCulture))
        {
            Environment = new Dictionary<string, string>
            {
                ["DOTNET_gcServer"] = serverGarbageCollection,
                ["DOTNET_gcConcurrent"] = "1",
            },
            MorePatience = TimeSpan.FromMinutes(SoakMinutes),
        });
        output.WriteLine(result.Output);
        return result.ExpectDone();
    }
}

using System.Text.Json;
using PageShare.Cli.Tune;
using PageShare.Cli.Tune.Simulation;

namespace PageShare.UnitTests.Cli.Tune;

public sealed class CostsTests
{
    [Fact]
    public void ReportNamesThePriceOfEachTask()
    {
        string text = JsonSerializer.Serialize(SomeCosts.Machine, TuneJsonContext.Default.MachineCosts);

        JsonElement scanner = JsonDocument.Parse(text).RootElement.GetProperty("signal").GetProperty("scanner");
        Assert.Equal(Enum.GetValues<ScanTask>().Length, scanner.EnumerateObject().Count());
        Assert.Equal(SomeCosts.Machine.Signal.Of(ScanTask.MergeRun), scanner.GetProperty("mergeRun").GetDouble());
    }
}

using System.Text.Json;
using PageShare.Cli.Run;

namespace PageShare.UnitTests.Cli;

public sealed class RunReportTests
{
    // The names of DESIGN.md section 9, which users' scripts rely on.
    private static readonly string[] Counters =
    [
        "pagesTotal", "pagesPopulated", "zeroPages", "pagesShared", "pagesSharing", "pagesUnshared", "pagesVolatile",
        "residentBytes", "savedBytes", "sharingRatio", "netSavedBytes", "metadataBytes", "kernelTableBytes", "mappedBytes",
        "consumedBytes", "activeBytes", "overcommitFactor", "pagesScanned", "fullScans", "scanPagesPerSecond",
        "scanCpuSeconds", "cpuSecondsTotal", "merges", "mergesAbandoned", "hashCollisions", "sealWaits",
        "sealWaitNanoseconds", "cowFaults", "cowFaultsPerSecond", "cowFaultNanoseconds", "breaksStalled", "mappingsUsed",
        "mappingsLimit",
    ];

    private static readonly string[] RunFields =
    [
        "verified", "converged", "convergeSeconds", "cpuSecondsByPhase", "seed", "faultMode", "sealKind", "breakCounting",
        "writeTracking", "warnings", "guests",
    ];

    [Fact]
    public void EveryDocumentedNameIsThere()
    {
        JsonElement json = Json(Results.Of());

        Assert.All(Counters.Concat(RunFields), name => Assert.True(json.TryGetProperty(name, out _), name));
        JsonElement guest = json.GetProperty("guests")[0];
        Assert.All(Counters.Append("name").Append("domain"), name => Assert.True(guest.TryGetProperty(name, out _), name));
    }

    [Fact]
    public void LatenciesAndPhasesAreObjects()
    {
        JsonElement json = Json(Results.Of());

        foreach (string name in (string[])["sealWaitNanoseconds", "cowFaultNanoseconds"])
        {
            Assert.All((string[])["p50", "p99", "max"], part => json.GetProperty(name).GetProperty(part).GetInt64());
        }

        JsonElement phases = json.GetProperty("cpuSecondsByPhase");
        Assert.Equal(1.5, phases.GetProperty("load").GetDouble());
        Assert.Equal(2.5, phases.GetProperty("share").GetDouble());
        Assert.Equal(3.5, phases.GetProperty("verify").GetDouble());
    }

    [Fact]
    public void CountersAreTheSnapshots()
    {
        JsonElement json = Json(Results.Of(populated: 100, residentPages: 40));

        Assert.Equal(60 * 4096, json.GetProperty("savedBytes").GetInt64());
        Assert.Equal(0.6, json.GetProperty("sharingRatio").GetDouble());
        Assert.Equal("signal", json.GetProperty("faultMode").GetString());
        Assert.Equal(Results.Seed, json.GetProperty("seed").GetInt64());
    }

    [Fact]
    public void RunThatDidNotConvergeHasNoTimeOfConvergence()
    {
        JsonElement json = Json(Results.Of(untilConverged: true, convergeSeconds: null));

        Assert.False(json.GetProperty("converged").GetBoolean());
        Assert.Equal(JsonValueKind.Null, json.GetProperty("convergeSeconds").ValueKind);
    }

    [Fact]
    public void WrongPagesAreNamed()
    {
        JsonElement json = Json(Results.Of(wrong: "guest-1: page 7"));

        Assert.False(json.GetProperty("verified").GetBoolean());
        Assert.False(json.GetProperty("guests")[0].GetProperty("verified").GetBoolean());
        Assert.Equal("guest-1: page 7", json.GetProperty("faults")[0].GetString());
    }

    private static JsonElement Json(RunResult result) => JsonDocument.Parse(RunReport.ToJson(result)).RootElement;
}
